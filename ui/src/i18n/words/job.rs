//! `/jobs/<id>`.
use crate::i18n::catalogue;

catalogue! {
    /// `/jobs/<id>`.
    Job {
        jobs => "Jobs", "작업";
        title(id: &str) => format!("Job {id}"), format!("작업 {id}");
        context(id: &str, user: &str, partition: &str) => format!("Job {id} of {user} in {partition}"),
            format!("{user} 사용자의 {partition} 파티션 작업 {id}");
        timeline => "Timeline", "진행 경과";
        submitted => "Submitted", "제출";
        started => "Started", "시작";
        expected_start => "Expected start", "시작 예정";
        not_started => "Not started yet", "아직 시작 전";
        never_started => "Never started", "시작되지 않음";
        ended => "Ended", "종료";
        must_end => "Ends at the latest", "최대 종료 시각";
        not_ended => "Not ended yet", "아직 종료 전";
        waited(time: &str) => format!("waited {time}"), format!("{time} 대기");
        ran(time: &str) => format!("ran {time}"), format!("{time} 실행");
        used_time => "Time used", "사용 시간";
        no_limit => "no limit", "제한 없음";
        resources => "Resources", "자원";
        nodes => "Nodes", "노드";
        tasks => "Tasks", "태스크";
        cpus => "CPUs", "CPU";
        memory => "Memory", "메모리";
        gpus => "GPUs", "GPU";
        time_limit => "Time limit", "시간 제한";
        node_list => "Runs on", "실행 노드";
        ran_on => "Ran on", "실행된 노드";
        details => "Details", "상세 정보";
        partition => "Partition", "파티션";
        account => "Account", "계정";
        qos => "QOS", "QOS";
        priority => "Priority", "우선순위";
        template => "Template", "템플릿";
        user => "User", "사용자";
        exit_code => "Exit code", "종료 코드";
        signal => "Signal", "시그널";
        work_dir => "Working folder", "작업 폴더";
        output_file => "Output file", "출력 파일";
        error_file => "Error file", "오류 출력 파일";
        output => "Output", "출력";
        stdout => "Output", "출력";
        stderr => "Errors", "오류 출력";
        which_output => "Which output", "출력 종류";
        script => "Script", "스크립트";
        no_script => "The script of this job is not known here; it was submitted somewhere else.",
            "다른 곳에서 제출된 작업이라 스크립트를 알 수 없습니다.";
        files => "Files", "파일";
        stale_title => "This is the last known state", "마지막으로 확인된 상태입니다";
        stale_text => "Slurm does not answer at the moment. The job itself is not affected.",
            "현재 Slurm이 응답하지 않습니다. 작업 자체에는 영향이 없습니다.";
        not_refreshed => "This page could not be refreshed", "페이지를 새로 고치지 못했습니다";
        missing_title(id: &str) => format!("There is no job {id}"), format!("{id}번 작업을 찾을 수 없습니다");
        missing_text => "Slurm forgets jobs some time after they end, and other people’s jobs may be hidden from you. Check the number.",
            "Slurm은 작업이 끝나고 시간이 지나면 기록을 지우며, 다른 사용자의 작업은 보이지 않을 수 있습니다. 작업 번호를 확인하세요.";
        to_jobs => "Go to the jobs", "작업 목록으로 이동";
        cancel(id: &str) => format!("Cancel job {id}"), format!("작업 {id} 취소");
        cancel_title(id: &str) => format!("Cancel job {id}?"), format!("{id}번 작업을 취소할까요?");
        cancel_running => "It stops within a minute and can’t be resumed. What it has written so far stays.",
            "1분 안에 중지되며 이어서 실행할 수 없습니다. 지금까지 기록된 결과는 그대로 남습니다.";
        cancel_pending => "It leaves the queue and loses its place. Its files stay.",
            "대기열에서 빠지고 순서를 잃습니다. 파일은 그대로 남습니다.";
        keep => "Keep it", "유지";
        cancelled(id: &str) => format!("Job {id} is being cancelled"), format!("{id}번 작업을 취소하고 있습니다");
        cancel_failed => "The job could not be cancelled", "작업을 취소하지 못했습니다";
    }
}
