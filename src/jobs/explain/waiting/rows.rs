//! What each reason code means, before the cluster is looked at.
//!
//! Codes: every one of Slurm 22.05 to 24.11 (`src/common/job_state_reason.c`, “Job Reason Codes” of its documentation)
//! that is no usage limit, and the sentences that slurmctld writes in their place.
use slurmdash_api::jobs::Severity::{self, Error, Info, Warning};

use crate::jobs::explain::words::Pair;

/// What is said of some codes.
pub(super) struct Row {
    /// The codes, and our own names for slurmctld's sentences.
    pub reasons: &'static [&'static str],
    /// Our stable word.
    pub code: &'static str,
    pub severity: Severity,
    /// A few words, what is so, why, what to do.
    pub texts: [Pair; 4],
}

const ASK_ADMIN: Pair = Pair("Ask your administrator.", "관리자에게 문의하세요.");

macro_rules! rows {
    ($([$($reason:literal),+] $code:literal $severity:ident $short:expr, $what:expr, $why:expr, $todo:expr;)+) => {
        pub(super) const ROWS: &[Row] = &[$(Row {
            reasons: &[$($reason),+], code: $code, severity: $severity, texts: [$short, $what, $why, $todo],
        }),+];
    };
}

rows! {
    ["Resources"] "resources" Info
        Pair("waiting for resources", "자원 대기"),
        Pair("It waits for free resources", "자원이 비기를 기다리고 있습니다"),
        Pair("What it asks for is in use. It is next in line.", "요청한 자원이 사용 중입니다. 자원이 비면 다음 차례로 시작됩니다."),
        Pair("Asking for less, or for less time, may let it start earlier.", "요청하는 자원이나 시간을 줄이면 더 빨리 시작될 수 있습니다.");
    ["Priority"] "priority" Info
        Pair("jobs ahead of it", "앞선 작업 대기"),
        Pair("Other jobs come first", "우선순위가 높은 작업이 먼저입니다"),
        Pair("Jobs with a higher priority wait in the same partition.", "같은 파티션에서 우선순위가 더 높은 작업들이 기다리고 있습니다."),
        Pair("Nothing to do: it moves up as they start. A shorter time limit may let it slip into a gap.",
            "앞의 작업이 시작되면 차례가 옵니다. 시간 제한을 짧게 하면 빈틈에 먼저 시작될 수 있습니다.");
    ["", "None", "WaitingForScheduling", "SchedDefer", "Unknown", "null"] "scheduling" Info
        Pair("about to be scheduled", "스케줄링 대기"),
        Pair("Slurm is about to look at it", "곧 스케줄링됩니다"),
        Pair("The scheduler has not come to it yet.", "스케줄러가 아직 확인하지 않았습니다."),
        Pair::NONE;
    ["Prolog", "Reboot"] "prolog" Info
        Pair("nodes being made ready", "노드 준비 중"),
        Pair("Its nodes are being made ready", "노드를 준비하고 있습니다"),
        Pair("Slurm boots the nodes or runs the site’s preparations (prolog) on them.", "Slurm이 노드를 부팅하거나 사이트의 준비 작업(prolog)을 실행하고 있습니다."),
        Pair::NONE;
    ["Dependency"] "dependency" Info
        Pair("waiting for another job", "다른 작업 대기"),
        Pair("It waits for another job", "다른 작업을 기다리고 있습니다"),
        Pair("It was submitted to start only after another job.", "다른 작업이 끝난 뒤에 시작하도록 제출되었습니다."),
        Pair::NONE;
    ["DependencyNeverSatisfied"] "dependency_never" Error
        Pair("dependency can’t be met", "선행 조건 충족 불가"),
        Pair("It will never start", "시작될 수 없습니다"),
        Pair("The job it waits for ended in another way than this one requires.", "기다리던 작업이 요구한 조건과 다르게 끝났습니다."),
        Pair("Cancel it, and submit it again without the dependency.", "취소한 뒤 선행 조건 없이 다시 제출하세요.");
    ["BeginTime"] "begin_time" Info
        Pair("start time not reached", "시작 시각 전"),
        Pair("Its start time has not come", "지정된 시작 시각 전입니다"),
        Pair("It was submitted to start later, or was put back in the queue and waits a moment before it starts again.",
            "나중에 시작하도록 제출되었거나, 대기열로 돌아와 다시 시작되기를 잠시 기다리고 있습니다."),
        Pair::NONE;
    ["JobHeldUser"] "held_by_user" Warning
        Pair("held", "보류됨"),
        Pair("It is on hold", "보류 중입니다"),
        Pair("Its owner put it on hold, or submitted it so.", "작업 소유자가 보류했거나 보류 상태로 제출했습니다."),
        Pair("Release it to let it go on.", "보류를 풀면 계속 진행됩니다.");
    ["JobHeldAdmin"] "held_by_admin" Warning
        Pair("held by an administrator", "관리자가 보류함"),
        Pair("An administrator put it on hold", "관리자가 보류했습니다"),
        Pair("Only an administrator can release it.", "관리자만 보류를 풀 수 있습니다."), ASK_ADMIN;
    ["JobHoldMaxRequeue"] "held_after_requeues" Error
        Pair("held after many restarts", "재시작 반복으로 보류됨"),
        Pair("It is on hold: it was started anew too often", "너무 여러 번 재시작되어 보류되었습니다"),
        Pair("Each start failed, and Slurm has stopped trying.", "시작할 때마다 실패하여 Slurm이 더 이상 시도하지 않습니다."),
        Pair("Something is wrong on the nodes, more likely than in the job. Ask your administrator, who can release it.",
            "작업보다 노드에 문제가 있을 가능성이 높습니다. 보류를 풀 수 있는 관리자에게 문의하세요.");
    ["LaunchFailedHeld"] "launch_failed_held" Error
        Pair("launch failed, held", "시작 실패로 보류됨"),
        Pair("It could not be launched, and is on hold", "시작에 실패하여 보류되었습니다"),
        Pair("The node could not start the job: often its prolog failed, or the user is not known there.",
            "노드가 작업을 시작하지 못했습니다. prolog가 실패했거나 노드에 사용자가 등록되지 않은 경우가 많습니다."),
        Pair("Release it to try once more. If it fails again, ask your administrator to look at the node.",
            "보류를 풀어 한 번 더 시도하세요. 다시 실패하면 관리자에게 노드 점검을 요청하세요.");
    ["RequeuedHeld"] "requeued_held" Warning
        Pair("put back, held", "재대기 후 보류됨"),
        Pair("It was put back in the queue and is on hold", "대기열로 돌아와 보류되었습니다"),
        Pair("It was requeued so that it does not start by itself, or its environment could not be loaded.",
            "자동으로 시작되지 않도록 재대기되었거나, 사용자 환경을 불러오지 못했습니다."),
        Pair("Release it to let it go on.", "보류를 풀면 계속 진행됩니다.");
    ["PartitionDown"] "partition_down" Warning
        Pair("partition is down", "파티션 중지됨"),
        Pair("Its partition starts no jobs now", "파티션이 현재 작업을 시작하지 않습니다"),
        Pair("An administrator set the partition to DOWN.", "관리자가 파티션을 DOWN 상태로 설정했습니다."),
        Pair("Wait until it is up again, or submit the job to another partition.", "다시 열릴 때까지 기다리거나 다른 파티션에 제출하세요.");
    ["PartitionInactive"] "partition_inactive" Warning
        Pair("partition is inactive", "파티션 비활성"),
        Pair("Its partition takes and starts no jobs now", "파티션이 현재 비활성 상태입니다"),
        Pair("An administrator set the partition to INACTIVE.", "관리자가 파티션을 INACTIVE 상태로 설정했습니다."),
        Pair("Wait until it is up again, or submit the job to another partition.", "다시 열릴 때까지 기다리거나 다른 파티션에 제출하세요.");
    ["PartitionNodeLimit"] "partition_node_limit" Error
        Pair("over the partition’s node limit", "파티션 노드 한도 초과"),
        Pair("The number of nodes does not fit its partition", "요청한 노드 수가 파티션과 맞지 않습니다"),
        Pair("The partition permits fewer (or more) nodes for a job, or has not as many.", "파티션에서 작업에 허용된 노드 수를 벗어나거나 노드가 부족합니다."),
        Pair("It will not start like this. Cancel it and submit it with another number of nodes, or to another partition.",
            "이대로는 시작되지 않습니다. 취소한 뒤 노드 수를 바꾸거나 다른 파티션에 제출하세요.");
    ["PartitionTimeLimit"] "partition_time_limit" Error
        Pair("over the partition’s time limit", "파티션 시간 제한 초과"),
        Pair("It asks for more time than its partition allows", "파티션이 허용하는 시간보다 길게 요청했습니다"),
        Pair("Its time limit is above that of the partition.", "작업의 시간 제한이 파티션의 시간 제한을 넘습니다."),
        Pair("It will not start like this. Lower its time limit, or submit it to another partition.",
            "이대로는 시작되지 않습니다. 시간 제한을 줄이거나 다른 파티션에 제출하세요.");
    ["PartitionConfig"] "partition_config" Error
        Pair("not allowed in the partition", "파티션 사용 불가"),
        Pair("It may not run in its partition like this", "이 파티션에서 실행할 수 없습니다"),
        Pair("The partition’s configuration does not permit what the job asks for.", "작업의 요청이 파티션 설정에서 허용되지 않습니다."),
        Pair("Submit it to another partition, or ask your administrator who may use this one.",
            "다른 파티션에 제출하거나 관리자에게 사용 조건을 문의하세요.");
    ["ReqNodeNotAvail"] "nodes_not_available" Warning
        Pair("nodes not available", "노드 사용 불가"),
        Pair("Nodes it needs are not available", "필요한 노드를 사용할 수 없습니다"),
        Pair("They are down, drained, or reserved.", "노드가 다운되었거나, 드레인 상태이거나, 예약되어 있습니다."),
        Pair("It starts when they are back. If it asks for these nodes by name, let Slurm choose others.",
            "노드가 복구되면 시작됩니다. 노드를 직접 지정했다면 지정을 빼고 다시 제출하세요.");
    ["ReservedForMaintenance"] "maintenance" Warning
        Pair("maintenance ahead", "점검 예정"),
        Pair("Nodes it needs are reserved for maintenance", "필요한 노드가 점검을 위해 예약되어 있습니다"),
        Pair("It can’t end before the maintenance begins.", "점검이 시작되기 전에 끝날 수 없습니다."),
        Pair("It starts after the maintenance. A shorter time limit may let it run before.",
            "점검이 끝나면 시작됩니다. 시간 제한을 줄이면 점검 전에 실행될 수 있습니다.");
    ["NodesUnavailable", "Nodes"] "nodes_down_or_reserved" Warning
        Pair("nodes down or reserved", "노드 다운 또는 예약됨"),
        Pair("Nodes it needs are down, drained or reserved", "필요한 노드가 다운, 드레인 또는 예약 상태입니다"),
        Pair("Too few nodes are left for it; others may be kept for jobs in partitions of a higher priority.",
            "사용할 수 있는 노드가 부족합니다. 일부는 우선순위가 더 높은 파티션의 작업에 배정되었을 수 있습니다."),
        Pair("It starts when nodes are back. The nodes page shows which ones are down and why.",
            "노드가 복구되면 시작됩니다. 노드 페이지에서 어떤 노드가 왜 멈췄는지 볼 수 있습니다.");
    ["NodeDown"] "node_down" Warning
        Pair("a node is down", "노드 다운"),
        Pair("A node it needs is down", "필요한 노드가 다운되었습니다"),
        Pair("The node that was meant for it does not answer or was set to DOWN.", "배정될 노드가 응답하지 않거나 DOWN 상태로 설정되었습니다."),
        Pair("It starts when the node is back, or on others.", "노드가 복구되거나 다른 노드에 자리가 나면 시작됩니다.");
    ["FrontEndDown"] "front_end_down" Warning
        Pair("front end is down", "프런트엔드 다운"),
        Pair("No front-end node can start it", "작업을 시작할 프런트엔드 노드가 없습니다"),
        Pair("Every front-end node of the cluster is down.", "클러스터의 모든 프런트엔드 노드가 다운되었습니다."), ASK_ADMIN;
    ["Reservation"] "reservation" Info
        Pair("waiting for its reservation", "예약 시간 대기"),
        Pair("It waits for its reservation", "예약된 자원을 기다리고 있습니다"),
        Pair("The reservation has not begun, or has no room for it now.", "예약이 아직 시작되지 않았거나 현재 빈 자리가 없습니다."),
        Pair::NONE;
    ["ReservationDeleted"] "reservation_gone" Error
        Pair("reservation deleted", "예약 삭제됨"),
        Pair("Its reservation no longer exists", "지정한 예약이 삭제되었습니다"),
        Pair("The reservation it was submitted to was deleted.", "제출할 때 지정한 예약이 삭제되었습니다."),
        Pair("Cancel it, and submit it again without the reservation.", "취소한 뒤 예약 없이 다시 제출하세요.");
    ["ReservationInvalid"] "reservation_invalid" Error
        Pair("reservation not valid", "예약 사용 불가"),
        Pair("It may not use its reservation", "지정한 예약을 사용할 수 없습니다"),
        Pair("The reservation does not fit the job, or does not permit its user or account.", "예약이 작업과 맞지 않거나, 사용자 또는 계정에 허용되지 않습니다."),
        Pair("Cancel it, and submit it again without the reservation or with another one.", "취소한 뒤 예약 없이 또는 다른 예약으로 다시 제출하세요.");
    ["Licenses"] "licenses" Info
        Pair("waiting for licences", "라이선스 대기"),
        Pair("It waits for a licence", "라이선스를 기다리고 있습니다"),
        Pair("All licences it needs are in use.", "필요한 라이선스가 모두 사용 중입니다."),
        Pair("It starts when other jobs give licences back.", "다른 작업이 라이선스를 반환하면 시작됩니다.");
    ["JobArrayTaskLimit"] "array_task_limit" Info
        Pair("array limit", "배열 동시 실행 한도"),
        Pair("Its array runs as many tasks as it may", "배열이 동시에 실행할 수 있는 태스크 수에 도달했습니다"),
        Pair("The array was submitted with a limit on tasks running at once.", "동시 실행 태스크 수를 제한하여 제출된 배열입니다."),
        Pair("It starts when other tasks of the array end.", "배열의 다른 태스크가 끝나면 시작됩니다.");
    ["BadConstraints", "Constraints"] "bad_constraints" Error
        Pair("can’t be satisfied", "충족 불가"),
        Pair("No node can run it", "실행할 수 있는 노드가 없습니다"),
        Pair("What it asks for does not exist together in this partition: features, memory, cores or GPUs of a node.",
            "요청한 조건(특성, 메모리, 코어, GPU)을 함께 갖춘 노드가 이 파티션에 없습니다."),
        Pair("Cancel it, and submit it with settings that fit. The nodes page shows what there is.",
            "취소한 뒤 맞는 설정으로 다시 제출하세요. 노드 페이지에서 사용 가능한 자원을 볼 수 있습니다.");
    ["MaxMemPerLimit"] "memory_limit" Error
        Pair("over the memory limit", "메모리 한도 초과"),
        Pair("It asks for more memory than a job may have", "작업에 허용된 것보다 많은 메모리를 요청했습니다"),
        Pair("The cluster or the partition limits memory per CPU or per node (MaxMemPerCPU, MaxMemPerNode).",
            "클러스터 또는 파티션에 CPU당 또는 노드당 메모리 한도(MaxMemPerCPU, MaxMemPerNode)가 있습니다."),
        Pair("It will not start like this. Ask for less memory, or for more CPUs or nodes to spread it over.",
            "이대로는 시작되지 않습니다. 메모리를 줄이거나, CPU 또는 노드를 늘려 나누어 쓰세요.");
    ["InvalidAccount"] "invalid_account" Error
        Pair("account not valid", "계정 오류"),
        Pair("Its account is not valid", "계정이 올바르지 않습니다"),
        Pair("Slurm no longer knows the account, or its user does not belong to it.", "Slurm에 계정이 없거나 사용자가 그 계정에 속하지 않습니다."),
        Pair("Cancel it and submit it with another account, or ask your administrator.", "취소한 뒤 다른 계정으로 제출하거나 관리자에게 문의하세요.");
    ["AccountNotAllowed"] "account_not_allowed" Error
        Pair("account not allowed here", "허용되지 않는 계정"),
        Pair("Its account may not use this partition", "이 파티션을 사용할 수 없는 계정입니다"),
        Pair("The partition permits only certain accounts.", "파티션이 특정 계정만 허용합니다."),
        Pair("Submit it with another account or to another partition.", "다른 계정이나 다른 파티션으로 제출하세요.");
    ["InvalidQOS"] "invalid_qos" Error
        Pair("QOS not valid", "QOS 오류"),
        Pair("Its QOS is not valid", "QOS가 올바르지 않습니다"),
        Pair("Slurm no longer knows the QOS, or the account may not use it.", "Slurm에 QOS가 없거나 계정이 그 QOS를 사용할 수 없습니다."),
        Pair("Cancel it and submit it with another QOS, or ask your administrator.", "취소한 뒤 다른 QOS로 제출하거나 관리자에게 문의하세요.");
    ["QOSNotAllowed"] "qos_not_allowed" Error
        Pair("QOS not allowed here", "허용되지 않는 QOS"),
        Pair("Its QOS may not be used here", "여기서 사용할 수 없는 QOS입니다"),
        Pair("The partition or the account permits only certain QOS.", "파티션 또는 계정이 특정 QOS만 허용합니다."),
        Pair("Submit it with another QOS or to another partition.", "다른 QOS나 다른 파티션으로 제출하세요.");
    ["QOSUsageThreshold"] "qos_usage_threshold" Warning
        Pair("used too much lately", "최근 사용량 초과"),
        Pair("Its account has used too much lately", "계정의 최근 사용량이 기준을 넘었습니다"),
        Pair("The QOS starts no jobs of accounts whose fair share is below its threshold.", "공정 배분 값이 기준보다 낮은 계정의 작업은 이 QOS에서 시작되지 않습니다."),
        Pair("Wait until older use counts less, or use another QOS.", "지난 사용량의 영향이 줄어들 때까지 기다리거나 다른 QOS를 사용하세요.");
    ["AccountingPolicy"] "accounting_policy" Warning
        Pair("accounting rule", "사용 정책"),
        Pair("A rule of the accounting keeps it waiting", "사용 정책 때문에 기다리고 있습니다"),
        Pair("Its account or QOS does not let it start now; Slurm does not say more.", "계정 또는 QOS의 정책이 지금 시작을 허용하지 않습니다. Slurm이 자세한 사유는 알리지 않았습니다."), ASK_ADMIN;
    ["Cleaning"] "cleaning" Info
        Pair("being cleaned up", "정리 중"),
        Pair("Its last run is being cleaned up", "이전 실행을 정리하고 있습니다"),
        Pair("It was put back in the queue and starts again when that is done.", "대기열로 돌아왔으며, 정리가 끝나면 다시 시작됩니다."),
        Pair::NONE;
    ["SystemFailure"] "system_failure" Error
        Pair("system failure", "시스템 장애"),
        Pair("Slurm had a failure of its own", "Slurm 시스템에 장애가 있었습니다"),
        Pair("A plugin, the network or a node failed while Slurm handled the job. That is not the job’s fault.",
            "Slurm이 작업을 처리하는 동안 플러그인, 네트워크 또는 노드에 장애가 있었습니다. 작업의 문제가 아닙니다."), ASK_ADMIN;
    ["JobLaunchFailure"] "launch_failure" Error
        Pair("launch failed", "시작 실패"),
        Pair("It could not be launched", "작업을 시작하지 못했습니다"),
        Pair("A node could not start it: its prolog failed, a file could not be opened, or the user is not known there.",
            "노드가 작업을 시작하지 못했습니다. prolog 실패, 파일 열기 실패, 또는 노드에 사용자가 없는 경우입니다."),
        Pair("Check that the working folder and the output’s folder exist on the nodes; otherwise ask your administrator.",
            "작업 폴더와 출력 폴더가 노드에 있는지 확인하고, 문제가 없으면 관리자에게 문의하세요.");
    ["NonZeroExitCode", "RaisedSignal", "TimeLimit", "OutOfMemory"] "last_run_failed" Warning
        Pair("last run failed", "이전 실행 실패"),
        Pair("Its last run failed; it waits to start again", "이전 실행이 실패하여 다시 시작되기를 기다리고 있습니다"),
        Pair("It was put back in the queue after that.", "실패한 뒤 대기열로 돌아왔습니다."),
        Pair("Look at its output before it starts again.", "다시 시작되기 전에 출력을 확인하세요.");
    ["InactiveLimit"] "inactive_limit" Warning
        Pair("inactive for too long", "비활성 시간 초과"),
        Pair("It was inactive for too long", "너무 오래 비활성 상태였습니다"),
        Pair("Slurm ends allocations in which nothing runs for longer than InactiveLimit.", "InactiveLimit보다 오래 아무것도 실행되지 않은 할당은 Slurm이 종료합니다."),
        Pair("Submit it as a batch job.", "배치 작업으로 제출하세요.");
    ["BurstBufferResources"] "burst_buffer_resources" Info
        Pair("waiting for burst buffer space", "버스트 버퍼 공간 대기"),
        Pair("It waits for burst buffer space", "버스트 버퍼 공간을 기다리고 있습니다"),
        Pair("The burst buffer is in use by other jobs.", "다른 작업이 버스트 버퍼를 사용하고 있습니다."), Pair::NONE;
    ["BurstBufferStageIn"] "burst_buffer_stage_in" Info
        Pair("data being staged in", "데이터 적재 중"),
        Pair("Its data is being staged in", "데이터를 적재하고 있습니다"),
        Pair("Files are copied to the burst buffer; it starts when that is done.", "파일을 버스트 버퍼로 복사하고 있으며, 끝나면 시작됩니다."), Pair::NONE;
    ["BurstBufferOperation"] "burst_buffer_failed" Error
        Pair("burst buffer failed", "버스트 버퍼 오류"),
        Pair("A burst buffer operation failed", "버스트 버퍼 작업이 실패했습니다"),
        Pair("Making the buffer or copying files to it failed.", "버퍼 생성 또는 파일 복사에 실패했습니다."),
        Pair("Check its burst buffer directives, or ask your administrator.", "버스트 버퍼 지시문을 확인하거나 관리자에게 문의하세요.");
    ["PowerNotAvail", "PowerReserved"] "power" Info
        Pair("waiting for power", "전력 대기"),
        Pair("It waits for electrical power", "전력 여유를 기다리고 있습니다"),
        Pair("The cluster’s power limit is reached or reserved for other jobs.", "클러스터의 전력 한도에 도달했거나 다른 작업에 예약되어 있습니다."), Pair::NONE;
    ["MaxPoweredUpNodes"] "powered_up_nodes" Info
        Pair("waiting for nodes to power on", "노드 전원 대기"),
        Pair("No more nodes may be powered on now", "더 많은 노드의 전원을 켤 수 없습니다"),
        Pair("The cluster keeps at most a set number of nodes powered on (MaxPoweredUpNodes).", "동시에 켜 둘 수 있는 노드 수(MaxPoweredUpNodes)에 도달했습니다."), Pair::NONE;
    ["MpiPortsBusy"] "mpi_ports" Info
        Pair("waiting for MPI ports", "MPI 포트 대기"),
        Pair("It waits for network ports for MPI", "MPI용 네트워크 포트를 기다리고 있습니다"),
        Pair("The ports that Slurm reserves for MPI are all in use.", "Slurm이 MPI용으로 예약한 포트가 모두 사용 중입니다."), Pair::NONE;
    ["DeadLine"] "deadline_missed" Error
        Pair("deadline can’t be met", "기한 충족 불가"),
        Pair("It can no longer meet its deadline", "지정한 기한을 맞출 수 없습니다"),
        Pair("Its deadline has passed, or is nearer than its time limit.", "기한이 지났거나, 남은 시간이 시간 제한보다 짧습니다."),
        Pair("Submit it again with a later deadline or a shorter time limit.", "기한을 늦추거나 시간 제한을 줄여 다시 제출하세요.");
    ["FedJobLock"] "federation" Info
        Pair("waiting for the federation", "연합 클러스터 대기"),
        Pair("The clusters agree on where it runs", "어느 클러스터에서 실행할지 정하고 있습니다"),
        Pair("It waits for the other clusters of the federation.", "연합의 다른 클러스터를 기다리고 있습니다."), Pair::NONE;
}

/// Of a job whose nodes are being made ready for long.
pub(super) const CONFIGURING: [Pair; 4] = [
    Pair("nodes being made ready", "노드 준비 중"),
    Pair("Its nodes are being made ready", "노드를 준비하고 있습니다"),
    Pair(
        "They boot or run the site’s preparations (prolog).",
        "노드가 부팅 중이거나 사이트의 준비 작업(prolog)을 실행하고 있습니다.",
    ),
    Pair::NONE,
];

/// Of a job that ends for long.
pub(super) const COMPLETING: [Pair; 4] = [
    Pair("still being cleaned up", "정리 지연"),
    Pair("It is over, but its nodes are still being cleaned up", "작업은 끝났지만 노드 정리가 계속되고 있습니다"),
    Pair(
        "Processes that do not end or the site’s epilog hold it up.",
        "끝나지 않는 프로세스나 사이트의 epilog 때문에 지연되고 있습니다.",
    ),
    Pair("If it stays so, ask your administrator to look at its nodes.", "계속되면 관리자에게 노드 점검을 요청하세요."),
];

/// Of a suspended job.
pub(super) const SUSPENDED: [Pair; 4] = [
    Pair("suspended", "일시 중지됨"),
    Pair("It is suspended", "일시 중지되었습니다"),
    Pair("It keeps its place and goes on when it is resumed.", "자리를 유지하며, 재개되면 이어서 진행됩니다."),
    Pair::NONE,
];
