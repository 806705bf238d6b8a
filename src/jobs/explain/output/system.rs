//! What the system says: disks, libraries, memory, limits, the network.
use super::signs;
use super::subject;
use crate::jobs::explain::words::Pair;

signs! {
    /// The system.
    SIGNS;
    Sure "quota_exceeded" [["disk quota exceeded"], ["errno 122"], ["quota exceeded"]] subject::none;
        Pair::NONE;
        Pair("quota exceeded", "디스크 할당량 초과"),
        Pair("Your disk quota is used up", "디스크 할당량을 모두 사용했습니다"),
        Pair("A file could not be written: you use all the space or files that you may have there.", "허용된 용량이나 파일 수를 모두 사용하여 파일을 쓸 수 없었습니다."),
        Pair("Delete or move files, or write to another file system. Results may be incomplete.", "파일을 지우거나 옮기고, 또는 다른 파일 시스템을 사용하세요. 결과가 불완전할 수 있습니다.");
    Sure "no_space" [["no space left on device"], ["errno 28"], ["not enough space on"]] subject::none;
        Pair::NONE;
        Pair("disk full", "디스크 공간 부족"),
        Pair("A disk is full", "디스크 공간이 부족합니다"),
        Pair("A file could not be written: the file system, or /tmp of the node, has no space left.", "파일 시스템 또는 노드의 /tmp에 남은 공간이 없어 파일을 쓸 수 없었습니다."),
        Pair("Delete files or write elsewhere (TMPDIR for temporary ones). Results may be incomplete.", "파일을 지우거나 다른 곳에 저장하세요(임시 파일은 TMPDIR). 결과가 불완전할 수 있습니다.");
    Sure "file_system" [["read-only file system"], ["stale file handle"], ["stale nfs file handle"], ["input/output error"], ["transport endpoint is not connected"]] subject::none;
        Pair::NONE;
        Pair("file system error", "파일 시스템 오류"),
        Pair("A file system did not work on the node", "노드에서 파일 시스템이 동작하지 않았습니다"),
        Pair("The node lost its connection to the storage, or may only read it.", "노드와 저장소의 연결이 끊겼거나 읽기만 가능합니다."),
        Pair("Submit it again; if that does not help, tell your administrator the node.", "다시 제출하고, 계속되면 관리자에게 노드를 알려 주세요.");
    Sure "library_version" [["version `glibc", "not found"], ["version `cxxabi", "not found"], ["undefined symbol:"], ["symbol lookup error"]] subject::version;
        Pair("The node has no library version {}", "노드에 라이브러리 버전 {}이(가) 없습니다");
        Pair("library version", "라이브러리 버전 불일치"),
        Pair("A shared library does not fit the program", "공유 라이브러리가 프로그램과 맞지 않습니다"),
        Pair("The program was built for another version of a library than the one on the node.", "노드에 있는 것과 다른 버전의 라이브러리용으로 빌드된 프로그램입니다."),
        Pair("Load the modules it was built with, build it on this cluster, or run it in a container.",
            "빌드할 때 사용한 모듈을 로드하거나, 이 클러스터에서 다시 빌드하거나, 컨테이너에서 실행하세요.");
    Sure "library_missing" [["error while loading shared libraries"], ["cannot open shared object file"]] subject::library;
        Pair("The shared library “{}” was not found", "공유 라이브러리 “{}”을(를) 찾을 수 없습니다");
        Pair("library missing", "라이브러리 없음"),
        Pair("A shared library was not found", "공유 라이브러리를 찾을 수 없습니다"),
        Pair("The program needs it, and it is not installed on the node or its module is not loaded.", "프로그램에 필요하지만 노드에 설치되지 않았거나 모듈이 로드되지 않았습니다."),
        Pair("Load the module that brings it before the program starts (“ldd” shows what is missing).", "프로그램 시작 전에 해당 모듈을 로드하세요(“ldd”로 확인할 수 있습니다).");
    Sure "wrong_architecture" [["exec format error"], ["cannot execute binary file"]] subject::none;
        Pair::NONE;
        Pair("not for this CPU", "CPU 종류 불일치"),
        Pair("A program is not for this kind of machine", "이 종류의 서버용 프로그램이 아닙니다"),
        Pair("It was built for another CPU or system, or is no program.", "다른 CPU나 시스템용으로 빌드되었거나 실행 파일이 아닙니다."),
        Pair("Build it on this kind of node; a script needs a first line such as #!/bin/bash.", "같은 종류의 노드에서 빌드하세요. 스크립트라면 첫 줄에 #!/bin/bash와 같은 줄이 필요합니다.");
    Sure "too_many_files" [["too many open files"]] subject::none;
        Pair::NONE;
        Pair("too many open files", "열린 파일 한도 초과"),
        Pair("It opened too many files at once", "한 번에 너무 많은 파일을 열었습니다"),
        Pair("A process may open only a limited number of files (ulimit -n).", "프로세스가 열 수 있는 파일 수에는 한도(ulimit -n)가 있습니다."),
        Pair("Raise it in the script (“ulimit -n 65536”), or use fewer workers.", "스크립트에서 한도를 늘리거나(“ulimit -n 65536”) 작업자 수를 줄이세요.");
    Sure "too_many_processes" [["fork: retry"], ["cannot fork"], ["fork: resource temporarily unavailable"], ["can't start new thread"], ["pthread_create failed"]] subject::none;
        Pair::NONE;
        Pair("too many processes", "프로세스 한도 초과"),
        Pair("It started too many processes or threads", "프로세스나 스레드를 너무 많이 시작했습니다"),
        Pair("The number of processes of a user on a node is limited (ulimit -u).", "노드에서 한 사용자의 프로세스 수에는 한도(ulimit -u)가 있습니다."),
        Pair("Set the number of threads to the CPUs of the job (such as OMP_NUM_THREADS).", "스레드 수를 작업의 CPU 수에 맞추세요(예: OMP_NUM_THREADS).");
    Sure "memory_allocation" [["std::bad_alloc"], ["cannot allocate memory"], ["\nmemoryerror"], ["arraymemoryerror"], ["java.lang.outofmemoryerror"], ["cannot allocate vector of size"],
        ["virtual memory exhausted"], ["insufficient virtual memory"], ["defaultcpuallocator: can't allocate memory"], ["unable to allocate", "with shape"]] subject::none;
        Pair::NONE;
        Pair("memory ran out", "메모리 할당 실패"),
        Pair("The program could get no more memory", "프로그램이 메모리를 더 할당받지 못했습니다"),
        Pair("It asked the system for more memory than there was for it.", "사용할 수 있는 것보다 많은 메모리를 요청했습니다."),
        Pair("Submit it again with more memory, or let it work on less data at once.", "메모리를 늘려 다시 제출하거나, 한 번에 처리하는 데이터를 줄이세요.");
    Sure "port_in_use" [["address already in use"], ["errno 98"]] subject::none;
        Pair::NONE;
        Pair("port in use", "포트 사용 중"),
        Pair("A network port is taken", "네트워크 포트가 이미 사용 중입니다"),
        Pair("Another job or process on the node listens on the same port.", "노드의 다른 작업이나 프로세스가 같은 포트를 사용하고 있습니다."),
        Pair("Let it choose a free port, or derive one from the job’s number.", "빈 포트를 자동으로 고르게 하거나 작업 번호로 포트를 정하세요.");
    Likely "network" [["could not resolve host"], ["temporary failure in name resolution"], ["name or service not known"], ["network is unreachable"], ["no route to host"],
        ["connection refused"], ["connection timed out"], ["max retries exceeded with url"]] subject::host;
        Pair("“{}” could not be reached", "“{}”에 연결하지 못했습니다");
        Pair("network not reachable", "네트워크 연결 실패"),
        Pair("Another machine could not be reached", "다른 서버에 연결하지 못했습니다"),
        Pair("Compute nodes often have no way to the Internet; or the service is not running.", "계산 노드는 인터넷에 연결되지 않은 경우가 많습니다. 서비스가 실행 중이 아닐 수도 있습니다."),
        Pair("Download data on the login node before, and check names and ports.", "로그인 노드에서 데이터를 미리 내려받고, 이름과 포트를 확인하세요.");
}
