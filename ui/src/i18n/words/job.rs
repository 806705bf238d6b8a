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
        output_of_others => "Only its owner and operators may read the output of this job.",
            "이 작업의 출력은 작업 소유자와 운영자만 볼 수 있습니다.";
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
        array => "Array", "배열";
        array_tasks(count: &str) => format!("{count} tasks"), format!("태스크 {count}개");
        tasks_all => "All tasks", "모든 태스크";
        part_of_array(id: &str) => format!("Part of array {id}"), format!("배열 {id}의 태스크");
        steps => "Steps", "작업 단계";
        step => "Step", "단계";
        state => "State", "상태";
        time => "Time", "시간";
        cpu_time => "CPU time", "CPU 시간";
        peak_memory => "Peak memory", "최대 메모리";
        nodes_of_step => "Nodes", "노드";
        eligible => "Free to start", "시작 가능";
        could_start_after(time: &str) => format!("after {time}"), format!("{time} 뒤");
        restarts => "Restarts", "재시작 횟수";
        dependency => "Depends on", "선행 작업";
        constraint => "Constraint", "노드 조건";
        reservation => "Reservation", "예약";
        licenses => "Licences", "라이선스";
        comment => "Comment", "설명";
        begin => "Not before", "시작 가능 시각";
        nice => "Nice value", "나이스 값";
        requested_nodes => "Asked for nodes", "요청한 노드";
        excluded_nodes => "Excluded nodes", "제외한 노드";
        scheduled_nodes => "Planned nodes", "예정된 노드";
        command => "Command", "명령";
        memory_per_cpu => "Memory per CPU", "CPU당 메모리";
        allocated => "Allocated", "할당량";
        source => "Known from", "정보 출처";
        source_controller => "Slurm’s controller", "Slurm 컨트롤러";
        source_accounting => "Slurm’s accounting", "Slurm 회계 기록";
        source_history => "what was written down here", "이 대시보드의 기록";
        everything => "Everything Slurm says", "Slurm의 전체 정보";
        record_controller => "scontrol show job", "scontrol show job";
        record_accounting => "sacct, all fields", "sacct, 모든 필드";
        record_none => "Slurm has forgotten this job.", "Slurm에 이 작업의 기록이 없습니다.";
        download_failed => "The download could not be started", "다운로드를 시작하지 못했습니다";
    }
}
