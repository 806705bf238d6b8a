//! What CUDA, its frameworks and NCCL say.
use super::signs;
use super::subject;
use crate::jobs::explain::words::Pair;

signs! {
    /// GPUs.
    SIGNS;
    Sure "gpu_out_of_memory" [["cuda out of memory"], ["cuda_error_out_of_memory"], ["cudaerrormemoryallocation"], ["hip out of memory"], ["cublas_status_alloc_failed"],
        ["cudnn_status_alloc_failed"], ["resource_exhausted: out of memory"], ["oom when allocating tensor"], ["cuda error: out of memory"]] subject::allocation;
        Pair("The GPU’s memory ran out: {} more was asked for", "GPU 메모리가 부족했습니다({} 추가 요청)");
        Pair("GPU out of memory", "GPU 메모리 부족"),
        Pair("The GPU’s memory ran out", "GPU 메모리가 부족했습니다"),
        Pair("The program needed more memory than the GPU has. The job’s own memory setting does not change that.",
            "프로그램에 GPU 메모리보다 많은 메모리가 필요했습니다. 작업의 메모리 설정과는 관계없습니다."),
        Pair("Use a smaller batch or model, or GPUs with more memory, or spread it over more of them.",
            "배치나 모델 크기를 줄이거나, 메모리가 더 큰 GPU를 쓰거나, 여러 GPU에 나누어 실행하세요.");
    Sure "gpu_driver" [["cuda driver version is insufficient"], ["nvidia driver on your system is too old"], ["driver/library version mismatch"], ["cuda_error_system_driver_mismatch"]] subject::none;
        Pair::NONE;
        Pair("GPU driver too old", "GPU 드라이버 불일치"),
        Pair("The GPU’s driver does not fit the program", "GPU 드라이버가 프로그램과 맞지 않습니다"),
        Pair("The program was built for a newer CUDA than the node’s driver supports.", "노드의 드라이버가 지원하는 것보다 새로운 CUDA용으로 빌드된 프로그램입니다."),
        Pair("Use a build for an older CUDA, or ask your administrator to update the driver.", "더 낮은 CUDA 버전용 빌드를 사용하거나 관리자에게 드라이버 업데이트를 요청하세요.");
    Sure "gpu_kind" [["no kernel image is available for execution"], ["cuda_error_no_binary_for_gpu"], ["is not compatible with the current pytorch installation"]] subject::none;
        Pair::NONE;
        Pair("wrong kind of GPU", "GPU 종류 불일치"),
        Pair("The program was not built for this kind of GPU", "이 종류의 GPU용으로 빌드되지 않은 프로그램입니다"),
        Pair("It has no code for the GPU’s generation.", "해당 GPU 세대용 코드가 들어 있지 않습니다."),
        Pair("Use a build for this GPU, or ask for nodes with another one.", "이 GPU용 빌드를 사용하거나 다른 GPU가 있는 노드를 요청하세요.");
    Sure "no_cuda_build" [["torch not compiled with cuda enabled"]] subject::none;
        Pair::NONE;
        Pair("built without CUDA", "CUDA 미지원 빌드"),
        Pair("This PyTorch was built without CUDA", "CUDA를 지원하지 않는 PyTorch입니다"),
        Pair("A build for CPUs only is installed.", "CPU 전용 빌드가 설치되어 있습니다."),
        Pair("Install a build with CUDA in its environment.", "환경에 CUDA 지원 빌드를 설치하세요.");
    Sure "no_gpu" [["no cuda-capable device is detected"], ["no cuda gpus are available"], ["found no nvidia driver"], ["cuda_error_no_device"],
        ["nvidia-smi has failed"], ["nvidia-smi: command not found"], ["failed call to cuinit"], ["\nno devices were found"], ["invalid device ordinal"]] subject::none;
        Pair::NONE;
        Pair("no GPU", "GPU 없음"),
        Pair("The program found no GPU", "프로그램이 GPU를 찾지 못했습니다"),
        Pair("The job has no GPU or too few, or the node’s driver does not work.", "작업에 GPU가 없거나 부족하거나, 노드의 드라이버가 작동하지 않습니다."),
        Pair("Check that it asks for GPUs; in a container, that it is started with “--nv”. Else ask your administrator to look at the node.",
            "GPU를 요청했는지, 컨테이너라면 “--nv” 옵션이 있는지 확인하고, 문제가 없으면 관리자에게 노드 점검을 요청하세요.");
    Sure "gpu_hardware" [["uncorrectable ecc error"], ["gpu has fallen off the bus"], ["unspecified launch failure"], ["cuda error: misaligned address"], ["nvrm: xid"]] subject::none;
        Pair::NONE;
        Pair("GPU error", "GPU 오류"),
        Pair("A GPU reported an error", "GPU에서 오류가 발생했습니다"),
        Pair("The hardware failed, or the program made an illegal operation on it.", "하드웨어 장애이거나 프로그램이 잘못된 연산을 했습니다."),
        Pair("Submit it again without this node (“--exclude”). If it fails elsewhere too, the program is at fault; else tell your administrator.",
            "이 노드를 제외하고(“--exclude”) 다시 제출하세요. 다른 노드에서도 실패하면 프로그램 문제이고, 아니면 관리자에게 알려 주세요.");
    Sure "gpu_program_error" [["device-side assert"], ["an illegal memory access was encountered"]] subject::none;
        Pair::NONE;
        Pair("error in GPU code", "GPU 코드 오류"),
        Pair("The program made an error on the GPU", "GPU에서 실행된 코드에 오류가 있습니다"),
        Pair("It used an index or address out of range, such as a label beyond the number of classes.", "범위를 벗어난 인덱스나 주소를 사용했습니다(예: 클래스 수를 넘는 레이블)."),
        Pair("Run it once with CUDA_LAUNCH_BLOCKING=1 to see where.", "CUDA_LAUNCH_BLOCKING=1로 실행하면 위치를 확인할 수 있습니다.");
    Sure "nccl_error" [["nccl error"], ["ncclunhandledcudaerror"], ["ncclsystemerror"], ["ncclinternalerror"], ["ncclremoteerror"], ["watchdog caught collective operation timeout"]] subject::none;
        Pair::NONE;
        Pair("GPUs could not talk", "GPU 간 통신 오류"),
        Pair("Communication between GPUs failed (NCCL)", "GPU 간 통신(NCCL)에 실패했습니다"),
        Pair("A process ended or hung, or the network between the nodes does not work for NCCL.", "프로세스 하나가 끝났거나 멈췄거나, 노드 간 네트워크가 NCCL에 맞지 않습니다."),
        Pair("Look for the first error of any rank. If there is none, run it with NCCL_DEBUG=INFO, and check NCCL_SOCKET_IFNAME.",
            "다른 랭크의 첫 오류를 찾아보세요. 없으면 NCCL_DEBUG=INFO로 실행하고 NCCL_SOCKET_IFNAME을 확인하세요.");
}
