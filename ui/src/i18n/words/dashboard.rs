//! `/dashboard`.
use crate::i18n::catalogue;

catalogue! {
    /// `/dashboard`.
    Dashboard {
        title => "Dashboard", "대시보드";
        context(nodes: &str, partitions: &str) => format!("{nodes} nodes in {partitions} partitions"),
            format!("파티션 {partitions}개, 노드 {nodes}개");
        nodes => "Nodes", "노드";
        nodes_ready(online: &str, total: &str) => format!("{online} of {total} ready for work"),
            format!("{total}개 중 {online}개 사용 가능");
        all_nodes => "All nodes", "전체 노드";
        in_use => "In use", "사용량";
        cores => "CPU cores", "CPU 코어";
        memory => "Memory", "메모리";
        gpus => "GPUs", "GPU";
        queue => "Queue", "작업 대기열";
        queue_empty => "Nothing is running or waiting.", "실행 중이거나 대기 중인 작업이 없습니다.";
        all_jobs => "All jobs", "전체 작업";
        my_jobs => "My jobs", "내 작업";
        my_jobs_all => "All my jobs", "내 작업 전체";
        no_jobs_title => "You have no jobs yet", "아직 작업이 없습니다";
        no_jobs_text => "Pick a template, add your files, and watch the output here.",
            "템플릿을 고르고 파일을 올리면 여기에서 출력을 확인할 수 있습니다.";
        no_nodes_title => "Slurm knows no nodes yet", "Slurm에 등록된 노드가 없습니다";
        no_nodes_text => "As soon as a node joins the cluster it appears here.", "노드가 클러스터에 합류하면 여기에 표시됩니다.";
        new_job => "New Job", "새 작업";
        browse_templates => "Browse templates", "템플릿 둘러보기";
        job => "Job", "작업";
        name => "Name", "이름";
        state => "State", "상태";
        partition => "Partition", "파티션";
        time => "Time", "시간";
        submitted => "Submitted", "제출";
        of_limit(limit: &str) => format!("of {limit}"), format!("/ {limit}");
    }
}
