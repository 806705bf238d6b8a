//! Signals and exit codes in words.
use super::words::Pair;

/// The signal that an exit code stands for: a shell reports a command that a signal ended as 128 and its number.
pub(super) fn in_exit_code(code: i32) -> Option<i32> {
    (129..=192).contains(&code).then(|| code - 128)
}

/// What is said of a signal.
pub(super) struct Meaning {
    /// The signals it is said of.
    signals: &'static [i32],
    pub code: &'static str,
    pub short: Pair,
    pub why: Pair,
    pub todo: Pair,
}

const LOOK: Pair = Pair(
    "The last lines of the output usually say what went wrong.",
    "출력의 마지막 줄에서 원인을 확인할 수 있습니다.",
);

/// What is known of signals.
const KNOWN: &[Meaning] = &[
    Meaning {
        signals: &[4],
        code: "illegal_instruction",
        short: Pair("illegal instruction", "잘못된 명령어"),
        why: Pair(
            "The program was built for another kind of CPU than the node has.",
            "노드의 CPU와 다른 종류의 CPU용으로 빌드된 프로그램입니다.",
        ),
        todo: Pair(
            "Build it on this kind of node, or ask for nodes of the right kind with a constraint.",
            "같은 종류의 노드에서 다시 빌드하거나, 제약 조건(constraint)으로 맞는 노드를 요청하세요.",
        ),
    },
    Meaning {
        signals: &[6],
        code: "aborted",
        short: Pair("program aborted", "프로그램 중단"),
        why: Pair(
            "The program gave up by itself after an internal error.",
            "프로그램이 내부 오류로 스스로 중단했습니다.",
        ),
        todo: LOOK,
    },
    Meaning {
        signals: &[7],
        code: "bus_error",
        short: Pair("bus error", "버스 오류"),
        why: Pair(
            "The program touched memory that does not exist: often a file that shrank, or full shared memory (/dev/shm).",
            "존재하지 않는 메모리에 접근했습니다. 사용 중인 파일이 줄었거나 공유 메모리(/dev/shm)가 가득 찬 경우가 많습니다.",
        ),
        todo: LOOK,
    },
    Meaning {
        signals: &[8],
        code: "floating_point_exception",
        short: Pair("arithmetic error", "연산 오류"),
        why: Pair(
            "The program divided by zero or met numbers out of range: often a computation that diverged.",
            "0으로 나누었거나 값이 범위를 벗어났습니다. 계산이 발산한 경우가 많습니다.",
        ),
        todo: Pair("Check the input, the mesh and the time step.", "입력값, 격자, 시간 간격을 확인하세요."),
    },
    Meaning {
        signals: &[9],
        code: "killed",
        short: Pair("killed", "강제 종료됨"),
        why: Pair(
            "Something killed it: often memory that ran out, or a job step that was cancelled.",
            "강제로 종료되었습니다. 메모리가 부족했거나 작업 단계가 취소된 경우가 많습니다.",
        ),
        todo: Pair(
            "Look at the memory it used. If it is near the limit, ask for more.",
            "메모리 사용량을 확인하고, 한도에 가깝다면 메모리를 늘려 제출하세요.",
        ),
    },
    Meaning {
        signals: &[11],
        code: "segmentation_fault",
        short: Pair("crashed", "비정상 종료"),
        why: Pair(
            "The program crashed: it touched memory that is not its own.",
            "프로그램이 잘못된 메모리에 접근하여 비정상 종료되었습니다.",
        ),
        todo: Pair(
            "Check its input and version. Some programs need a larger stack (“ulimit -s unlimited” in the script).",
            "입력과 버전을 확인하세요. 스택이 더 필요한 프로그램도 있습니다(스크립트에 “ulimit -s unlimited”).",
        ),
    },
    Meaning {
        signals: &[13],
        code: "broken_pipe",
        short: Pair("broken pipe", "파이프 끊김"),
        why: Pair("The program that read its output ended first.", "출력을 읽던 프로그램이 먼저 끝났습니다."),
        todo: LOOK,
    },
    Meaning {
        signals: &[24, 25],
        code: "resource_limit",
        short: Pair("limit of the shell reached", "셸 한도 도달"),
        why: Pair(
            "It reached a limit of the system (ulimit): CPU time, or the size of a file.",
            "시스템 한도(ulimit)에 도달했습니다. CPU 시간 또는 파일 크기 한도입니다.",
        ),
        todo: Pair(
            "Check “ulimit -a” in the script, or ask your administrator.",
            "스크립트에서 “ulimit -a”를 확인하거나 관리자에게 문의하세요.",
        ),
    },
    Meaning {
        signals: &[31],
        code: "bad_system_call",
        short: Pair("forbidden system call", "금지된 시스템 호출"),
        why: Pair(
            "The program made a system call that is not permitted here.",
            "프로그램이 허용되지 않은 시스템 호출을 했습니다.",
        ),
        todo: LOOK,
    },
    Meaning {
        signals: &[1, 2, 3, 15],
        code: "asked_to_end",
        short: Pair("asked to end", "종료 요청됨"),
        why: Pair("It was asked to end before it was done.", "끝나기 전에 종료 요청을 받았습니다."),
        todo: LOOK,
    },
    // Slurm's own mark for a job whose files could not be set up on the node.
    Meaning {
        signals: &[53],
        code: "output_not_writable",
        short: Pair("output can’t be written", "출력 파일 쓰기 불가"),
        why: Pair(
            "Slurm could not open its output file or enter its working folder on the node.",
            "노드에서 출력 파일을 열거나 작업 폴더로 이동하지 못했습니다.",
        ),
        todo: Pair(
            "Check that both folders exist on the nodes and that you may write there.",
            "두 폴더가 노드에 있는지, 쓰기 권한이 있는지 확인하세요.",
        ),
    },
];

/// Any other signal.
const OTHER: Meaning = Meaning {
    signals: &[],
    code: "ended_by_signal",
    short: Pair("ended by a signal", "시그널로 종료됨"),
    why: Pair("The program was ended from outside.", "프로그램이 외부에서 종료되었습니다."),
    todo: LOOK,
};

/// What a signal means.
pub(super) fn meaning(signal: i32) -> &'static Meaning {
    KNOWN.iter().find(|known| known.signals.contains(&signal)).unwrap_or(&OTHER)
}

/// What an exit code other than 0 means: our word, why, what to do.
pub(super) fn exit_code(code: Option<i32>) -> (&'static str, Pair, Pair) {
    match code {
        Some(2) => (
            "wrong_usage",
            Pair(
                "A command in its script was used in a wrong way, or reported an error.",
                "스크립트의 명령이 잘못 사용되었거나 오류를 보고했습니다.",
            ),
            Pair(
                "Check the options and file names in the script; the output’s last lines usually say which.",
                "스크립트의 옵션과 파일 이름을 확인하세요. 출력의 마지막 줄에 나오는 경우가 많습니다.",
            ),
        ),
        Some(126) => (
            "not_executable",
            Pair(
                "A command in its script may not be executed: it lacks permission, or is no program.",
                "스크립트의 명령을 실행할 수 없습니다. 실행 권한이 없거나 실행 파일이 아닙니다.",
            ),
            Pair(
                "Make it executable (“chmod +x”), and check that it is a program for this system.",
                "실행 권한을 주고(“chmod +x”) 이 시스템용 프로그램인지 확인하세요.",
            ),
        ),
        Some(127) => (
            "command_not_found",
            Pair("A command in its script was not found.", "스크립트의 명령을 찾을 수 없습니다."),
            Pair(
                "Check the spelling, and whether a module must be loaded first.",
                "철자가 맞는지, 먼저 로드해야 할 모듈이 있는지 확인하세요.",
            ),
        ),
        Some(255) => (
            "exit_255",
            Pair(
                "A command failed in a general way; ssh and many programs end like this.",
                "명령이 일반적인 오류로 끝났습니다. ssh와 많은 프로그램이 이렇게 끝납니다.",
            ),
            LOOK,
        ),
        _ => (
            "failed",
            Pair("A command in its script reported an error.", "스크립트의 명령이 오류를 보고했습니다."),
            LOOK,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_of_shells_hold_signals() {
        assert_eq!([128, 139, 192, 193, -5].map(in_exit_code), [None, Some(11), Some(64), None, None]);
    }
}
