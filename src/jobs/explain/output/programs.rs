//! What particular programs say: licences, solvers, containers, ssh.
use super::signs;
use super::subject;
use crate::jobs::explain::words::Pair;

signs! {
    /// Particular programs.
    SIGNS;
    Sure "license_in_use" [["licensed number of users already reached"], ["not enough license tokens"], ["all licenses are in use"], ["insufficient number of licenses"], ["license tokens", "not available"]] subject::none;
        Pair::NONE;
        Pair("no free licence", "여유 라이선스 없음"),
        Pair("No licence was free", "사용 가능한 라이선스가 없습니다"),
        Pair("All licences of the program are in use.", "프로그램의 라이선스가 모두 사용 중입니다."),
        Pair("Submit it again later, or let Slurm count licences (“--licenses”) so that it waits for one.",
            "나중에 다시 제출하거나, Slurm이 라이선스를 기다리도록 “--licenses”를 사용하세요.");
    Sure "license_server" [["flexnet licensing error"], ["flexlm error"], ["license server machine is down"], ["cannot connect to license server"], ["can not connect to license server"],
        ["could not connect to license server"], ["license server", "not respond"], ["cannot find license file"], ["no such feature exists"], ["license manager error"],
        ["license checkout failed"], ["unable to checkout license"], ["could not check out license"], ["failed to check out", "licen"], ["licensing error"], ["invalid license"]] subject::none;
        Pair::NONE;
        Pair("licence error", "라이선스 오류"),
        Pair("The program got no licence", "프로그램이 라이선스를 받지 못했습니다"),
        Pair("The licence server does not answer from this node, or has no licence for this program or version.",
            "이 노드에서 라이선스 서버에 연결되지 않거나, 해당 프로그램 또는 버전의 라이선스가 없습니다."),
        Pair("Check the variable that names the server (such as LM_LICENSE_FILE), and ask your administrator whether the nodes reach it.",
            "서버를 지정하는 변수(예: LM_LICENSE_FILE)를 확인하고, 노드에서 서버에 연결되는지 관리자에게 문의하세요.");
    Sure "image_missing" [["could not open image"], ["fatal:", "unable to get image"], ["image", "not found", "fatal:"]] subject::image;
        Pair("The image “{}” is not there", "이미지 “{}”이(가) 없습니다");
        Pair("image missing", "이미지 없음"),
        Pair("Its container image is not there", "컨테이너 이미지를 찾을 수 없습니다"),
        Pair("The path is wrong, or the folder is not shared with the node, or you may not read it.", "경로가 틀렸거나, 폴더가 노드와 공유되지 않거나, 읽기 권한이 없습니다."),
        Pair("Choose an image from the images page, or a path that exists on all nodes.", "이미지 페이지에서 고르거나 모든 노드에 있는 경로를 지정하세요.");
    Sure "image_broken" [["image format not recognized"], ["not a valid sif"], ["no sif header"], ["unable to open squashfs"], ["squashfuse", "error"]] subject::none;
        Pair::NONE;
        Pair("image not usable", "이미지 손상"),
        Pair("Its container image can’t be used", "컨테이너 이미지를 사용할 수 없습니다"),
        Pair("The file is incomplete, or no image at all.", "파일이 불완전하거나 이미지 파일이 아닙니다."),
        Pair("Copy or build the image again.", "이미지를 다시 복사하거나 빌드하세요.");
    Sure "container_failed" [["container creation failed"], ["failed to create user namespace"], ["fatal:", "mount"], ["while performing build", "fatal:"], ["while making image from oci registry"]] subject::none;
        Pair::NONE;
        Pair("container could not start", "컨테이너 시작 실패"),
        Pair("The container could not be started", "컨테이너를 시작하지 못했습니다"),
        Pair("A folder to be mounted does not exist on the node, or the node does not permit it.", "마운트할 폴더가 노드에 없거나 노드에서 허용되지 않습니다."),
        Pair("Check the “--bind” paths on the node; otherwise ask your administrator.", "노드에서 “--bind” 경로를 확인하고, 문제가 없으면 관리자에게 문의하세요.");
    Sure "ssh_refused" [["host key verification failed"], ["permission denied (publickey"], ["ssh: connect to host"], ["remote host identification has changed"]] subject::host;
        Pair("ssh to “{}” did not work", "“{}”에 ssh로 연결하지 못했습니다");
        Pair("ssh failed", "ssh 실패"),
        Pair("ssh to another machine did not work", "다른 서버에 ssh로 연결하지 못했습니다"),
        Pair("The other side refused the connection, the key, or is not known.", "상대 서버가 연결이나 키를 거부했거나 등록되지 않은 서버입니다."),
        Pair("Within a job use srun instead of ssh; otherwise set up a key that needs no password.", "작업 안에서는 ssh 대신 srun을 사용하거나, 암호 없이 쓸 수 있는 키를 설정하세요.");
    Sure "openfoam_error" [["foam fatal error"], ["foam fatal io error"], ["foam exiting"]] subject::none;
        Pair::NONE;
        Pair("OpenFOAM error", "OpenFOAM 오류"),
        Pair("OpenFOAM stopped with an error", "OpenFOAM이 오류로 중단되었습니다"),
        Pair("A file of the case is missing or wrong, or the computation can’t go on.", "케이스 파일이 없거나 잘못되었거나, 계산을 계속할 수 없습니다."),
        Pair("The lines after “FOAM FATAL” in the output name the file and the entry.", "출력에서 “FOAM FATAL” 다음 줄에 파일과 항목이 나옵니다.");
    Sure "abaqus_error" [["abaqus error"], ["abaqus/analysis exited with error"], ["abaqus/standard exited with"], ["abaqus/explicit exited with"], ["the analysis has not been completed"]] subject::none;
        Pair::NONE;
        Pair("Abaqus error", "Abaqus 오류"),
        Pair("Abaqus stopped with an error", "Abaqus가 오류로 중단되었습니다"),
        Pair("The input has an error, or the analysis did not converge.", "입력에 오류가 있거나 해석이 수렴하지 않았습니다."),
        Pair("The job’s .dat, .msg and .sta files say which.", "작업의 .dat, .msg, .sta 파일에서 확인하세요.");
    Sure "error_termination" [["e r r o r   t e r m i n a t i o n"], ["error termination"], ["*** error", "(str+"], ["*** error", "(key+"], ["*** error", "(sol+"]] subject::none;
        Pair::NONE;
        Pair("solver error", "솔버 오류"),
        Pair("The solver ended with an error", "솔버가 오류로 종료되었습니다"),
        Pair("Its input has an error, or the computation broke down (“error termination”).", "입력에 오류가 있거나 계산이 중단되었습니다(“error termination”)."),
        Pair("Look for “Error” in the solver’s own log (such as d3hsp, messag) in the working folder.", "작업 폴더의 솔버 로그(예: d3hsp, messag)에서 “Error”를 찾아보세요.");
    Likely "no_convergence" [["too many attempts made for this increment"], ["solution diverge"], ["did not converge"], ["divergence detected"]] subject::none;
        Pair::NONE;
        Pair("did not converge", "수렴 실패"),
        Pair("The computation did not converge", "계산이 수렴하지 않았습니다"),
        Pair("The solver could not reach a solution with this input.", "이 입력으로는 솔버가 해를 구하지 못했습니다."),
        Pair("Check the boundary conditions and the mesh, or use smaller steps.", "경계 조건과 격자를 확인하거나 시간 간격을 줄이세요.");
}
