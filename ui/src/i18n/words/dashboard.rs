//! `/dashboard`.
use crate::i18n::catalogue;

catalogue! {
    /// `/dashboard`.
    Dashboard {
        title => "Dashboard", "대시보드";
        context(nodes: &str, partitions: &str) => format!("{nodes} nodes in {partitions} partitions"),
            format!("파티션 {partitions}개, 노드 {nodes}개");
        controllers => "Controllers", "컨트롤러";
        in_charge => "In charge", "제어 중";
        standby => "Ready", "대기";
        not_answering => "Does not answer", "응답 없음";
        taken_over_title(silent: &str, in_charge: &str) => format!("{silent} does not answer; {in_charge} is in charge"),
            format!("{silent} 서버가 응답하지 않아 {in_charge} 서버가 제어하고 있습니다");
        taken_over_text(silent: &str) => format!("Jobs go on. As soon as {silent} runs again it takes the work back by itself."),
            format!("작업은 계속됩니다. {silent} 서버가 다시 실행되면 자동으로 제어를 넘겨받습니다.");
        taking_over_title(silent: &str, next: &str) =>
            format!("{silent} does not answer; {next} has not taken over yet"),
            format!("{silent} 서버가 응답하지 않으며 {next} 서버가 아직 제어를 넘겨받지 않았습니다");
        taking_over_text => "Running jobs go on. New ones wait until one of the two is in charge.",
            "실행 중인 작업은 계속됩니다. 새 작업은 둘 중 하나가 제어를 맡을 때까지 기다립니다.";
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
