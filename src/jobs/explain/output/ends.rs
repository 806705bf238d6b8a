//! Crashes, and words that only say that something failed.
use super::subject::none;
use super::{Rank, Says, Sign};
use crate::jobs::explain::words::Pair;

const fn signal(signal: i32, any: &'static [&'static [&'static str]]) -> Sign {
    Sign { rank: Rank::Likely, any, subject: none, says: Says::Signal(signal) }
}

/// Crashes and general failures.
pub(super) const SIGNS: &[Sign] = &[
    Sign {
        rank: Rank::Sure,
        any: &[
            &["oom-kill"],
            &["oom_kill"],
            &["oom killer"],
            &["out of memory: kill"],
            &["exceeded job memory limit"],
            &["exceeded step memory limit"],
            &["exceeded memory limit"],
            &["exceeded virtual memory limit"],
            &["task", ": out of memory\n"],
        ],
        subject: none,
        says: Says::OutOfMemory,
    },
    signal(11, &[&["segmentation fault"], &["sigsegv"], &["signal code: address not mapped"]]),
    signal(7, &[&["bus error"], &["sigbus"]]),
    signal(4, &[&["illegal instruction"], &["sigill "], &["sigill:"], &["(sigill)"]]),
    signal(8, &[&["floating point exception"], &["sigfpe"], &["floating-point exception"]]),
    signal(6, &[&["aborted (core dumped)"], &["\naborted\n"], &[" aborted  "], &["sigabrt"], &["task", ": aborted\n"]]),
    signal(9, &[&["\nkilled\n"], &[" killed  "], &["task", ": killed\n"], &["exited on signal 9"], &["exit code: 9"]]),
    Sign {
        rank: Rank::Vague,
        any: &[
            &["task", "exited with exit code"],
            &["returned a non-zero exit code"],
            &["bad termination of one of your application processes"],
        ],
        subject: none,
        says: Says::Texts(
            "step_failed",
            Pair::NONE,
            [
                Pair("a task failed", "태스크 실패"),
                Pair("One of its tasks ended with an error", "태스크 하나가 오류로 끝났습니다"),
                Pair(
                    "A program that srun or mpirun started reported an error.",
                    "srun 또는 mpirun으로 시작한 프로그램이 오류를 보고했습니다.",
                ),
                Pair(
                    "The program’s own message stands above this line in the output.",
                    "출력에서 이 줄 위에 있는 프로그램의 메시지를 확인하세요.",
                ),
            ],
        ),
    },
];
