//! Why a job waits, and why it failed.
use crate::i18n::catalogue;

catalogue! {
    /// Why a job waits, and why it failed. `…_short` is for lists.
    Reasons {
        waits => "It waits in the queue", "대기열에서 기다리고 있습니다";

        resources_short => "waiting for resources", "자원 대기";
        resources_what => "It waits for free resources", "자원이 비기를 기다리고 있습니다";
        resources_why => "The nodes, cores, memory or GPUs it asks for are in use. It is next in line for them.",
            "요청한 노드, 코어, 메모리 또는 GPU가 사용 중입니다. 자원이 비면 다음 차례로 시작됩니다.";
        resources_todo => "Asking for less, or for less time, may let it start earlier.",
            "요청하는 자원이나 시간을 줄이면 더 빨리 시작될 수 있습니다.";

        priority_short => "jobs ahead of it", "앞선 작업 대기";
        priority_what => "Other jobs come first", "우선순위가 높은 작업이 먼저입니다";
        priority_why => "Jobs with a higher priority wait in the same partition.",
            "같은 파티션에서 우선순위가 더 높은 작업들이 기다리고 있습니다.";
        priority_todo => "Nothing to do: it moves up as they start. A shorter time limit may let it slip into a gap.",
            "앞의 작업이 시작되면 차례가 옵니다. 시간 제한을 짧게 하면 빈틈에 먼저 시작될 수 있습니다.";

        scheduling_short => "about to be scheduled", "스케줄링 대기";
        scheduling_what => "Slurm is about to look at it", "곧 스케줄링됩니다";
        scheduling_why => "It was submitted a moment ago; the scheduler has not come to it yet.",
            "방금 제출되어 스케줄러가 아직 확인하지 않았습니다.";

        dependency_short => "waiting for another job", "다른 작업 대기";
        dependency_what => "It waits for another job", "다른 작업을 기다리고 있습니다";
        dependency_why => "It was submitted to start only after another job.", "다른 작업이 끝난 뒤에 시작하도록 제출되었습니다.";
        dependency_never_short => "dependency can’t be met", "선행 조건 충족 불가";
        dependency_never_what => "It will never start", "시작될 수 없습니다";
        dependency_never_why => "The job it waits for ended in another way than this one requires.",
            "기다리던 작업이 요구한 조건과 다르게 끝났습니다.";
        dependency_never_todo => "Cancel it, and submit it again without the dependency.",
            "취소한 뒤 선행 조건 없이 다시 제출하세요.";

        begin_time_short => "start time not reached", "시작 시각 전";
        begin_time_what => "Its start time has not come", "지정된 시작 시각 전입니다";
        begin_time_why => "It was submitted to start later, or was put back in the queue after a failed start.",
            "나중에 시작하도록 제출되었거나, 시작에 실패해 대기열로 돌아왔습니다.";

        held_short => "held", "보류됨";
        held_user_what => "It is on hold", "보류 중입니다";
        held_user_why => "Its owner put it on hold.", "작업 소유자가 보류했습니다.";
        held_user_todo => "Release it with “scontrol release” to let it go on.", "“scontrol release” 명령으로 보류를 풀면 계속 진행됩니다.";
        held_admin_what => "An administrator put it on hold", "관리자가 보류했습니다";
        held_admin_why => "Only an administrator can release it.", "관리자만 보류를 풀 수 있습니다.";
        ask_admin => "Ask your administrator.", "관리자에게 문의하세요.";

        partition_short => "partition not available", "파티션 사용 불가";
        partition_what => "Its partition takes no jobs now", "파티션이 현재 작업을 받지 않습니다";
        partition_why => "The partition is down or closed.", "파티션이 중지되었거나 닫혀 있습니다.";
        partition_todo => "Wait until it is open again, or submit the job to another partition.",
            "다시 열릴 때까지 기다리거나 다른 파티션에 제출하세요.";

        partition_limit_short => "over the partition’s limit", "파티션 한도 초과";
        partition_limit_what => "It asks for more than its partition allows", "파티션의 허용 한도를 넘었습니다";
        partition_limit_why => "The number of nodes or the time limit is above what the partition permits.",
            "노드 수 또는 시간 제한이 파티션의 허용 범위를 넘습니다.";
        partition_limit_todo => "It will not start like this. Cancel it and submit it with less.",
            "이대로는 시작되지 않습니다. 취소한 뒤 요청을 줄여 다시 제출하세요.";

        node_short => "nodes not available", "노드 사용 불가";
        node_what => "Nodes it needs are not available", "필요한 노드를 사용할 수 없습니다";
        node_why => "They are down, drained, or reserved.", "노드가 다운되었거나, 배수 중이거나, 예약되어 있습니다.";
        node_todo => "It starts when they are back. The nodes page shows which ones are down and why.",
            "노드가 복구되면 시작됩니다. 노드 페이지에서 어떤 노드가 왜 멈췄는지 볼 수 있습니다.";

        reservation_short => "waiting for its reservation", "예약 시간 대기";
        reservation_what => "It waits for its reservation", "예약된 시간을 기다리고 있습니다";
        reservation_why => "The reservation it was submitted to has not begun.", "제출할 때 지정한 예약이 아직 시작되지 않았습니다.";

        limit_short => "limit reached", "사용 한도 도달";
        limit_what => "A usage limit is reached", "사용 한도에 도달했습니다";
        limit_why(code: &str) => format!("Your account or QOS already uses what it may use at once (Slurm: {code})."),
            format!("계정 또는 QOS가 동시에 쓸 수 있는 한도를 모두 사용하고 있습니다(Slurm: {code}).");
        limit_todo => "It starts when your other jobs end. Ask your administrator if the limit is too low.",
            "다른 작업이 끝나면 시작됩니다. 한도가 너무 낮다면 관리자에게 문의하세요.";

        array_limit_short => "array limit", "배열 동시 실행 한도";
        array_limit_what => "Its array runs as many tasks as it may", "배열이 동시에 실행할 수 있는 태스크 수에 도달했습니다";
        array_limit_why => "The array was submitted with a limit on tasks running at once.",
            "동시 실행 태스크 수를 제한하여 제출된 배열입니다.";

        licenses_short => "waiting for licences", "라이선스 대기";
        licenses_what => "It waits for a licence", "라이선스를 기다리고 있습니다";
        licenses_why => "All licences it needs are in use.", "필요한 라이선스가 모두 사용 중입니다.";

        impossible_short => "can’t be satisfied", "충족 불가";
        impossible_what => "No node can run it", "실행할 수 있는 노드가 없습니다";
        impossible_why => "What it asks for does not exist in this partition: features, memory, cores or GPUs of a node.",
            "요청한 조건(특성, 메모리, 코어, GPU)을 갖춘 노드가 이 파티션에 없습니다.";
        impossible_todo => "Cancel it, and submit it with settings that fit. The nodes page shows what there is.",
            "취소한 뒤 맞는 설정으로 다시 제출하세요. 노드 페이지에서 사용 가능한 자원을 볼 수 있습니다.";

        account_short => "account or QOS refused", "계정 또는 QOS 오류";
        account_what => "Its account or QOS is not valid", "계정 또는 QOS가 올바르지 않습니다";
        account_why => "Slurm refuses the account or QOS that the job names.", "Slurm이 작업에 지정된 계정 또는 QOS를 거부합니다.";

        cleaning_short => "being cleaned up", "정리 중";
        cleaning_what => "Its last run is being cleaned up", "이전 실행을 정리하고 있습니다";
        cleaning_why => "It was put back in the queue and starts again when that is done.", "대기열로 돌아왔으며, 정리가 끝나면 다시 시작됩니다.";

        other_why(code: &str) => format!("Slurm gives this reason: {code}."), format!("Slurm이 알린 사유: {code}.");

        failed_what(code: &str) => format!("It ended with exit code {code}"), format!("오류로 끝났습니다(종료 코드 {code})");
        failed_unknown_what => "It failed", "실패했습니다";
        failed_why => "A command in its script reported an error.", "스크립트의 명령이 오류를 보고했습니다.";
        failed_todo => "The last lines of the output usually say what went wrong.", "출력의 마지막 줄에서 원인을 확인할 수 있습니다.";
        exit_126 => "A command in its script may not be executed: it lacks permission, or is no program.",
            "스크립트의 명령을 실행할 수 없습니다. 실행 권한이 없거나 실행 파일이 아닙니다.";
        exit_127 => "A command in its script was not found.", "스크립트의 명령을 찾을 수 없습니다.";
        exit_127_todo => "Check the spelling, and whether a module must be loaded first. The output names the command.",
            "철자가 맞는지, 먼저 로드해야 할 모듈이 있는지 확인하세요. 출력에 명령 이름이 나옵니다.";
        signal_what(name: &str) => format!("It was ended by signal {name}"), format!("{name} 시그널로 종료되었습니다");
        signal_kill => "Something killed it: often memory that ran out, or a cancelled job step.",
            "강제로 종료되었습니다. 메모리가 부족했거나 작업 단계가 취소된 경우가 많습니다.";
        signal_crash => "The program crashed: it touched memory that is not its own, or made an illegal operation.",
            "프로그램이 비정상 종료되었습니다. 잘못된 메모리 접근이나 잘못된 연산이 원인입니다.";
        signal_abort => "The program gave up by itself after an internal error.", "프로그램이 내부 오류로 스스로 중단했습니다.";
        signal_term => "It was asked to end before it was done.", "끝나기 전에 종료 요청을 받았습니다.";
        signal_other => "The program was ended from outside.", "프로그램이 외부에서 종료되었습니다.";

        timeout_what => "It reached its time limit", "시간 제한에 도달했습니다";
        timeout_why(limit: &str) => format!("It was stopped after {limit}, the time it had asked for."), format!("요청한 시간({limit})이 지나 중지되었습니다.");
        timeout_why_unknown => "It was stopped at the time it had asked for.", "요청한 시간이 지나 중지되었습니다.";
        timeout_todo => "Submit it again with more time, or let it save its state and go on from there.",
            "시간을 늘려 다시 제출하거나, 중간 상태를 저장해 이어서 실행하도록 하세요.";
        memory_what => "It ran out of memory", "메모리가 부족했습니다";
        memory_why(limit: &str) => format!("It used more than the {limit} it had asked for."), format!("요청한 {limit}보다 많은 메모리를 사용했습니다.");
        memory_why_unknown => "It used more memory than it had asked for.", "요청한 것보다 많은 메모리를 사용했습니다.";
        memory_todo => "Submit it again with more memory.", "메모리를 늘려 다시 제출하세요.";
        node_fail_what => "A node failed", "노드에 장애가 발생했습니다";
        node_fail_why => "A node it ran on went down. That is not the job’s fault.", "실행 중이던 노드가 멈췄습니다. 작업의 문제가 아닙니다.";
        node_fail_todo => "Submit it again; Slurm chooses other nodes.", "다시 제출하면 Slurm이 다른 노드를 선택합니다.";
        cancelled_what => "It was cancelled", "취소되었습니다";
        cancelled_why => "Somebody cancelled it. What it had written until then is still there.",
            "누군가 작업을 취소했습니다. 그때까지 기록된 결과는 그대로 남아 있습니다.";
        preempted_what => "It had to make room", "다른 작업에 자리를 내주었습니다";
        preempted_why => "A job with a higher priority took its resources.", "우선순위가 더 높은 작업이 자원을 가져갔습니다.";
        preempted_todo => "Submit it again, or ask for a QOS that is not preempted.", "다시 제출하거나 선점되지 않는 QOS를 사용하세요.";
        boot_fail_what => "A node could not be started for it", "노드를 시작하지 못했습니다";
        boot_fail_why => "That is not the job’s fault.", "작업의 문제가 아닙니다.";
        deadline_what => "It could not end before its deadline", "지정한 기한까지 끝낼 수 없었습니다";
        deadline_why => "Slurm removed it because its deadline had passed or could no longer be met.", "기한이 지났거나 맞출 수 없게 되어 Slurm이 제거했습니다.";
        suspended_what => "It is suspended", "일시 중지되었습니다";
        suspended_why => "It keeps its place and goes on when it is resumed.", "자리를 유지하며, 재개되면 이어서 진행됩니다.";
    }
}
