//! What shells and slurmstepd say: scripts, commands, files.
use super::signs;
use super::subject;
use crate::jobs::explain::words::Pair;

signs! {
    /// Before all others: they make what follows fail in misleading ways.
    FIRST;
    Sure "windows_line_ends" [["bad interpreter", "^m"], ["$'\\r': command not found"], ["\\r': no such file"], ["\\r’: no such file"],
        ["\n: command not found"], ["\n: no such file or directory"], ["syntax error near unexpected token", "\\r'"]] subject::none;
        Pair::NONE;
        Pair("Windows line ends", "윈도 줄 끝 문자"),
        Pair("A script has line ends of Windows", "스크립트의 줄 끝이 윈도 형식입니다"),
        Pair("Each of its lines ends with an invisible character (CR) that the shell takes for a part of the command.",
            "각 줄 끝에 보이지 않는 문자(CR)가 있어 셸이 이를 명령의 일부로 읽습니다."),
        Pair("Convert it (“dos2unix script.sh”, or “sed -i 's/\\r$//' script.sh”) and submit it again.",
            "파일을 변환한 뒤(“dos2unix script.sh” 또는 “sed -i 's/\\r$//' script.sh”) 다시 제출하세요.");
    Sure "work_dir_missing" [["couldn't chdir to"], ["could not chdir to"], ["can't chdir to"]] subject::folder;
        Pair("Its working folder “{}” is not on the node", "작업 폴더 “{}”에 접근할 수 없습니다");
        Pair("working folder missing", "작업 폴더 없음"),
        Pair("Its working folder is not on the node", "작업 폴더에 접근할 수 없습니다"),
        Pair("The folder was removed, is not shared with the nodes, or you may not enter it.", "폴더가 삭제되었거나, 노드와 공유되지 않거나, 접근 권한이 없습니다."),
        Pair("Submit it from a folder that exists on all nodes.", "모든 노드에 있는 폴더에서 다시 제출하세요.");
    Sure "output_not_writable" [["could not open stdout file"], ["could not open stderr file"], ["unable to open stdout"], ["unable to open stderr"], ["io setup failed"]] subject::none;
        Pair::NONE;
        Pair("output can’t be written", "출력 파일 쓰기 불가"),
        Pair("Its output file can’t be written", "출력 파일을 쓸 수 없습니다"),
        Pair("The folder of the output file does not exist on the node, or you may not write there.", "노드에 출력 폴더가 없거나 쓰기 권한이 없습니다."),
        Pair("Make the folder before submitting, or choose another output file.", "제출 전에 폴더를 만들거나 다른 출력 파일을 지정하세요.");
    Sure "bad_interpreter" [["bad interpreter"], ["cannot execute: required file not found"]] subject::none;
        Pair::NONE;
        Pair("interpreter missing", "인터프리터 없음"),
        Pair("A script names an interpreter that is not there", "스크립트에 지정된 인터프리터가 없습니다"),
        Pair("The program in its first line (#!) does not exist on the node.", "첫 줄(#!)에 지정된 프로그램이 노드에 없습니다."),
        Pair("Correct the first line, such as #!/bin/bash, or load the module that brings the interpreter.",
            "첫 줄을 #!/bin/bash와 같이 고치거나, 인터프리터를 제공하는 모듈을 로드하세요.");
    Sure "script_syntax" [["syntax error near unexpected token"], ["syntax error: unexpected end of file"], ["unexpected eof while looking for matching"],
        ["syntax error in conditional expression"], ["syntax error: end of file unexpected"]] subject::none;
        Pair::NONE;
        Pair("error in the script", "스크립트 문법 오류"),
        Pair("Its script has a syntax error", "스크립트에 문법 오류가 있습니다"),
        Pair("The shell could not read the script to its end.", "셸이 스크립트를 끝까지 읽지 못했습니다."),
        Pair("Correct the line that is named: often a quotation mark, bracket, “fi” or “done” is missing.",
            "표시된 줄을 고치세요. 따옴표, 괄호, “fi”, “done”이 빠진 경우가 많습니다.");
    Sure "module_command_missing" [["module: command not found"], ["module: not found"], ["command not found: module"]] subject::none;
        Pair::NONE;
        Pair("no “module” command", "module 명령 없음"),
        Pair("The “module” command is not there", "“module” 명령을 찾을 수 없습니다"),
        Pair("Environment modules are not set up in the shell of the script.", "스크립트의 셸에 환경 모듈이 설정되지 않았습니다."),
        Pair("Begin the script with “#!/bin/bash -l”, or source the site’s module set-up first.",
            "스크립트 첫 줄을 “#!/bin/bash -l”로 바꾸거나, 모듈 설정 파일을 먼저 불러오세요.");
    Sure "module_unknown" [["module(s) are unknown"], ["unable to locate a modulefile"], ["lmod has detected the following error"], ["module-file-error"]] subject::environment_module;
        Pair("There is no module “{}”", "모듈 “{}”이(가) 없습니다");
        Pair("module not found", "모듈 없음"),
        Pair("A module could not be loaded", "모듈을 로드하지 못했습니다"),
        Pair("The module or its version does not exist here, or needs another one first.", "해당 모듈이나 버전이 없거나, 다른 모듈이 먼저 필요합니다."),
        Pair("See “module avail” (or “module spider”) for what there is, and correct the script.",
            "“module avail”(또는 “module spider”)로 확인한 뒤 스크립트를 고치세요.");
    Sure "conda_not_set_up" [["run 'conda init'"], ["your shell has not been properly configured to use 'conda"], ["environmentnamenotfound"], ["environmentlocationnotfound"]] subject::none;
        Pair::NONE;
        Pair("conda environment", "conda 환경 오류"),
        Pair("A conda environment could not be used", "conda 환경을 사용하지 못했습니다"),
        Pair("conda is not set up in the script’s shell, or the environment does not exist.", "스크립트의 셸에 conda가 설정되지 않았거나 환경이 없습니다."),
        Pair("Source conda’s profile script before “conda activate”, and check the name with “conda env list”.",
            "“conda activate” 전에 conda의 profile 스크립트를 불러오고, “conda env list”로 이름을 확인하세요.");
}

signs! {
    /// Any of these may have ended the job.
    SIGNS;
    Likely "not_executable" [["execve():", "permission denied"], ["cannot execute: permission denied"], [": is a directory\n", "slurm_script"]] subject::command;
        Pair("“{}” may not be executed", "“{}”을(를) 실행할 수 없습니다");
        Pair("not executable", "실행 불가"),
        Pair("A command may not be executed", "명령을 실행할 수 없습니다"),
        Pair("The file lacks the permission to be executed.", "파일에 실행 권한이 없습니다."),
        Pair("Make it executable: “chmod +x”.", "“chmod +x”로 실행 권한을 주세요.");
    Likely "command_not_found" [[": command not found"], ["command not found: "], [": not found\n", " line "], ["sh: ", ": not found\n"],
        ["slurm_script: ", ": not found\n"], ["executable file not found in $path"], ["execve():", "no such file or directory"]] subject::command;
        Pair("The command “{}” was not found", "“{}” 명령을 찾을 수 없습니다");
        Pair("command not found", "명령 없음"),
        Pair("A command was not found", "명령을 찾을 수 없습니다"),
        Pair("There is no such program in the folders of PATH on the node.", "노드의 PATH 폴더에 그런 프로그램이 없습니다."),
        Pair("Check the spelling, and whether a module must be loaded or an environment activated first.",
            "철자가 맞는지, 먼저 로드할 모듈이나 활성화할 환경이 있는지 확인하세요.");
    Likely "missing_file" [["no such file or directory"], ["filenotfounderror"], ["can't open file"], ["cannot open file"], ["file not found:"]] subject::file;
        Pair("The file “{}” is not there", "“{}” 파일이 없습니다");
        Pair("file not found", "파일 없음"),
        Pair("A file is not there", "파일을 찾을 수 없습니다"),
        Pair("The path is wrong, the file was not uploaded, or the folder is not shared with the node.",
            "경로가 틀렸거나, 파일을 올리지 않았거나, 폴더가 노드와 공유되지 않습니다."),
        Pair("Check the path; relative ones begin at the job’s working folder.", "경로를 확인하세요. 상대 경로는 작업 폴더를 기준으로 합니다.");
    Likely "permission_denied" [["permission denied"], ["permissionerror"], ["operation not permitted"]] subject::file;
        Pair("Access to “{}” was denied", "“{}”에 접근할 권한이 없습니다");
        Pair("permission denied", "권한 없음"),
        Pair("Access to a file was denied", "파일에 접근할 권한이 없습니다"),
        Pair("The Unix user of the job may not read, write or execute it.", "작업의 Unix 사용자에게 읽기, 쓰기 또는 실행 권한이 없습니다."),
        Pair("Check its permissions with “ls -l”, or use a folder of your own.", "“ls -l”로 권한을 확인하거나 자신의 폴더를 사용하세요.");
}
