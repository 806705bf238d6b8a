//! What Python says.
use super::subject;
use super::{Found, QUOTED, Rank, Says, Sign, signs, text};
use crate::jobs::explain::words::Pair;

signs! {
    /// Python.
    SIGNS;
    Sure "python_module_missing" [["modulenotfounderror"], ["importerror: no module named"], [": no module named "]] subject::module;
        Pair("The Python module “{}” is not installed", "Python 모듈 “{}”이(가) 설치되어 있지 않습니다");
        Pair("Python module missing", "Python 모듈 없음"),
        Pair("A Python module is not installed", "Python 모듈이 설치되어 있지 않습니다"),
        Pair("The Python that ran does not have it; often another environment was meant.", "실행된 Python에 없습니다. 다른 환경을 사용하려던 경우가 많습니다."),
        Pair("Activate the right environment in the script, or install the module into it.", "스크립트에서 올바른 환경을 활성화하거나, 환경에 모듈을 설치하세요.");
    Likely "python_syntax" [["\nsyntaxerror:"], ["\nindentationerror:"], ["\ntaberror:"]] subject::none;
        Pair::NONE;
        Pair("Python syntax error", "Python 문법 오류"),
        Pair("A Python file has a syntax error", "Python 파일에 문법 오류가 있습니다"),
        Pair("Python could not read it; a file for another version of Python looks the same.", "Python이 파일을 읽지 못했습니다. 다른 버전용 파일일 수도 있습니다."),
        Pair("Correct the line that the output names, or use the right Python.", "출력에 표시된 줄을 고치거나 맞는 Python을 사용하세요.");
    Likely "python_import" [["\nimporterror:"]] subject::none;
        Pair::NONE;
        Pair("Python import failed", "Python 임포트 실패"),
        Pair("A Python module could not be loaded", "Python 모듈을 불러오지 못했습니다"),
        Pair("Its version does not fit the others, or a library it needs is missing.", "버전이 서로 맞지 않거나 필요한 라이브러리가 없습니다."),
        Pair("Check the versions in its environment.", "환경의 패키지 버전을 확인하세요.");
}

/// Any other exception.
const ERROR: &Sign = &Sign {
    rank: Rank::Likely,
    any: &[],
    subject: subject::none,
    says: Says::Texts(
        "python_error",
        Pair("A Python program ended with {}", "Python 프로그램이 {}(으)로 끝났습니다"),
        [
            Pair("Python error", "Python 오류"),
            Pair("A Python program ended with an error", "Python 프로그램이 오류로 끝났습니다"),
            Pair("It met an exception that it did not handle.", "처리되지 않은 예외가 발생했습니다."),
            Pair(
                "The traceback in the output shows where; its last lines are the nearest to the cause.",
                "출력의 트레이스백에서 위치를 확인하세요. 마지막 줄이 원인에 가장 가깝습니다.",
            ),
        ],
    ),
};

/// The exception of the last traceback.
pub(super) fn traceback(cleaned: &str, lower: &str) -> Option<Found> {
    let hit = lower.rfind("traceback (most recent call last)")?;
    let begin = lower.get(..hit)?.rfind('\n')? + 1;
    // Launchers put something before each line, such as `[rank0]: `.
    let before = cleaned.get(begin..hit)?;
    let mut at = hit + lower.get(hit..)?.find('\n')? + 1;
    while let Some(length) = cleaned.get(at..).and_then(|rest| rest.find('\n')) {
        let whole = cleaned.get(at..at + length)?;
        let line = whole.strip_prefix(before).unwrap_or(whole);
        if !line.is_empty() && !line.starts_with(' ') {
            let class = line.split(':').next().map(str::trim).filter(|class| is_class(class));
            return Some(Found {
                sign: ERROR,
                at,
                quote: text::window(line, 0, QUOTED),
                subject: class.map(str::to_owned),
            });
        }
        at += length + 1;
    }
    None
}

fn is_class(word: &str) -> bool {
    word.len() <= 80
        && word.starts_with(char::is_alphabetic)
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
}
