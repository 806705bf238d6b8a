//! What srun and the MPI libraries say when processes can't be started.
use super::signs;
use super::subject;
use crate::jobs::explain::words::Pair;

signs! {
    /// Starting processes.
    SIGNS;
    Sure "pmix_missing" [["couldn't find the specified plugin name for mpi/pmi"], ["cannot create context for mpi/pmi"], ["invalid mpi type"], ["not built with slurm's pmi support"],
        ["direct launched using \"srun\""], ["open mpi was unable to initialize pmi"], ["can not load pmix library"], ["pmi2_init failed"], ["pmi_init returned"],
        ["pmix_server_init failed"]] subject::none;
        Pair::NONE;
        Pair("MPI does not fit Slurm", "MPI와 Slurm 불일치"),
        Pair("srun and this MPI can’t work together", "srun과 이 MPI가 함께 동작하지 않습니다"),
        Pair("The MPI library was not built for the start-up protocol (PMIx, PMI-2) that srun offers here.", "MPI 라이브러리가 srun의 시작 프로토콜(PMIx, PMI-2)에 맞게 빌드되지 않았습니다."),
        Pair("See “srun --mpi=list” for what there is, and choose one with “--mpi=”; or start it with this MPI’s own mpirun.",
            "“srun --mpi=list”로 확인하여 “--mpi=”로 지정하거나, 해당 MPI의 mpirun으로 실행하세요.");
    Sure "mpi_slots" [["not enough slots available"]] subject::none;
        Pair::NONE;
        Pair("too few MPI slots", "MPI 슬롯 부족"),
        Pair("mpirun was asked for more processes than the job has tasks", "작업의 태스크 수보다 많은 프로세스를 요청했습니다"),
        Pair("Open MPI starts one process for each task that Slurm gave the job.", "Open MPI는 Slurm이 배정한 태스크마다 프로세스를 하나씩 시작합니다."),
        Pair("Ask for as many tasks as mpirun starts (“--ntasks”), or start fewer.", "mpirun의 프로세스 수만큼 태스크(“--ntasks”)를 요청하거나 프로세스 수를 줄이세요.");
    Sure "mpi_launch_failed" [["unable to reliably start one or more daemons"], ["orte has lost communication"], ["prte has lost communication"], ["hydt_bscd"], ["unable to launch the proxy"],
        ["unable to reach each other for mpi communications"]] subject::none;
        Pair::NONE;
        Pair("MPI could not start", "MPI 시작 실패"),
        Pair("MPI could not reach its processes on other nodes", "다른 노드의 MPI 프로세스에 연결하지 못했습니다"),
        Pair("A node did not start or lost its part of MPI, or the network between the nodes is not usable.", "일부 노드에서 MPI가 시작되지 않았거나 노드 간 네트워크를 사용할 수 없습니다."),
        Pair("Check that the same MPI is loaded on every node; if it is, tell your administrator the nodes.",
            "모든 노드에 같은 MPI가 로드되었는지 확인하고, 문제가 없으면 관리자에게 노드를 알려 주세요.");
    Sure "step_too_big" [["unable to create step for job", "node configuration"], ["more processors requested than permitted"], ["unable to create step for job", "more"],
        ["unable to create step for job", "memory required"], ["unable to create step for job", "invalid"]] subject::none;
        Pair::NONE;
        Pair("step asks for too much", "작업 단계 요청 초과"),
        Pair("srun asks for more than the job has", "srun이 작업에 배정된 것보다 많이 요청했습니다"),
        Pair("A step can only use nodes, CPUs, memory and GPUs that the job was given.", "작업 단계는 작업이 받은 노드, CPU, 메모리, GPU만 사용할 수 있습니다."),
        Pair("Make the options of srun fit those of the job, or leave them out.", "srun 옵션을 작업의 옵션에 맞추거나 생략하세요.");
    Sure "step_time_limit" [["cancelled at", "due to time limit"], ["step", "due to time limit"]] subject::none;
        Pair::NONE;
        Pair("step time limit", "작업 단계 시간 초과"),
        Pair("A step or the job reached its time limit", "작업 또는 작업 단계가 시간 제한에 도달했습니다"),
        Pair("Slurm stopped it at the time limit that was set for it.", "지정된 시간 제한에 도달하여 Slurm이 중지했습니다."),
        Pair("Raise the time limit of the job, or “--time” of srun.", "작업의 시간 제한 또는 srun의 “--time” 값을 늘리세요.");
    Sure "step_node_failure" [["cancelled at", "due to node failure"], ["node failure on"]] subject::none;
        Pair::NONE;
        Pair("a node failed", "노드 장애"),
        Pair("A node failed while it ran", "실행 중에 노드에 장애가 발생했습니다"),
        Pair("That is not the job’s fault.", "작업의 문제가 아닙니다."),
        Pair("Submit it again; Slurm chooses other nodes.", "다시 제출하면 Slurm이 다른 노드를 선택합니다.");
    Likely "mpi_error" [["an error occurred in mpi_"], ["fatal error in pmpi_"], ["fatal error in mpi_"], ["fatal error in internal_"]] subject::none;
        Pair::NONE;
        Pair("MPI error", "MPI 오류"),
        Pair("A call of MPI failed", "MPI 호출이 실패했습니다"),
        Pair("The program used MPI in a wrong way, or a process it talks to is gone.", "프로그램이 MPI를 잘못 사용했거나 통신 상대 프로세스가 종료되었습니다."),
        Pair("Look for the first error in the output; it names the call.", "출력의 첫 오류에서 호출 이름을 확인하세요.");
    Vague "mpi_abort" [["mpi_abort was invoked on rank"], ["application called mpi_abort("], ["abort(", "(rank "]] subject::rank;
        Pair("The program ended all its processes (MPI rank {})", "프로그램이 모든 프로세스를 종료했습니다(MPI 랭크 {})");
        Pair("ended itself (MPI)", "MPI 중단"),
        Pair("The program ended all its processes (MPI_Abort)", "프로그램이 모든 프로세스를 종료했습니다(MPI_Abort)"),
        Pair("One of its processes met an error and gave up for all.", "프로세스 하나가 오류를 만나 전체를 중단했습니다."),
        Pair("The program’s own message stands above this line in the output.", "출력에서 이 줄 위에 있는 프로그램의 메시지를 확인하세요.");
}
