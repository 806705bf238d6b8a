//! What a job waits for, as sbatch(1) writes dependencies: `afterok:12:13+5,afterany:14_*(unfulfilled)?singleton`.
use slurmdash_api::jobs::{Job, JobState};

use crate::jobs::explain::Facts;
use crate::jobs::explain::words::{Both, Pair, Said, both, name, state};

/// Most jobs that are named; the rest is counted.
const MOST: usize = 5;

/// When a job may start that waits for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    After,
    AfterAny,
    AfterOk,
    AfterNotOk,
    AfterCorr,
    BurstBuffer,
    Other,
}

impl Kind {
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "after" => Self::After,
            "afterany" => Self::AfterAny,
            "afterok" => Self::AfterOk,
            "afternotok" => Self::AfterNotOk,
            "aftercorr" => Self::AfterCorr,
            "afterburstbuffer" => Self::BurstBuffer,
            _ => Self::Other,
        }
    }

    fn words(self) -> Pair {
        match self {
            Self::After => Pair("the start of job {}", "작업 {} 시작 후"),
            Self::AfterAny => Pair("the end of job {}", "작업 {} 종료 후"),
            Self::AfterOk => Pair("the success of job {}", "작업 {} 성공 후"),
            Self::AfterNotOk => Pair("the failure of job {}", "작업 {} 실패 후"),
            Self::AfterCorr => Pair("the success of the same task of job {}", "작업 {}의 같은 번호 태스크 성공 후"),
            Self::BurstBuffer => {
                Pair("the end of job {} and of its burst buffer transfers", "작업 {} 종료 및 버스트 버퍼 전송 완료 후")
            }
            Self::Other => Pair("job {}", "작업 {}"),
        }
    }
}

/// Adds what it waits for and how those jobs stand.
pub(super) fn add(said: &mut Said, facts: &Facts<'_>) {
    let Some(text) = facts.more.dependency.as_deref().filter(|text| !text.trim().is_empty()) else { return };
    let mut items = Vec::new();
    let mut left_out = 0_usize;
    for part in text.split([',', '?']) {
        let mut pieces = part.split(':').map(|piece| piece.split(['(', '+']).next().unwrap_or_default().trim());
        let word = pieces.next().unwrap_or_default();
        if word.eq_ignore_ascii_case("singleton") {
            let job = name(&facts.job.name);
            items.push(both!("the end of your other jobs named “{job}”", "이름이 “{job}”인 내 다른 작업 종료 후"));
            continue;
        }
        let kind = Kind::of(word);
        for id in pieces.filter(|id| !id.is_empty()) {
            if items.len() < MOST {
                items.push(one(kind, id, facts));
            } else {
                left_out += 1;
            }
        }
    }
    items.truncate(MOST + 1);
    if left_out > 0 {
        items.push(both!("{left_out} more", "외 {left_out}개"));
    }
    if items.is_empty() {
        return;
    }
    let any = text.contains('?');
    let Both { en, ko } = Both::listed(items);
    said.why = match (said.code, any) {
        ("dependency_never", _) => both!(
            "It requires {en}; that can no longer come about.",
            "시작 조건: {ko}. 이 조건은 더 이상 충족될 수 없습니다."
        ),
        (_, true) => both!("It waits for any of these: {en}.", "다음 중 하나를 기다립니다: {ko}."),
        _ => both!("It waits for {en}.", "시작 조건: {ko}."),
    };
}

/// One job, with its state where that is known.
fn one(kind: Kind, id: &str, facts: &Facts<'_>) -> Both {
    let told = kind.words().with(&name(id));
    match state_of(id, facts.cluster.jobs) {
        Some(found) => {
            let (Both { en, ko }, Pair(state_en, state_ko)) = (told, state(found));
            both!("{en} (now {state_en})", "{ko}(현재 {state_ko})")
        }
        None => told,
    }
}

/// The state of a job; of an array, the state that is farthest from its end.
fn state_of(id: &str, jobs: &[Job]) -> Option<JobState> {
    let base = id.trim_end_matches("_*");
    if let Some(job) = jobs.iter().find(|job| job.id == base) {
        return Some(job.state);
    }
    let number: u32 = base.parse().ok()?;
    jobs.iter().filter(|job| job.job_id == number || job.array_job_id == Some(number)).map(|job| job.state).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_count_as_waiting_while_one_task_does() {
        let task = |id: &str, state| Job { id: id.into(), array_job_id: Some(9), state, ..crate::jobs::tests::job(9) };
        let jobs = [task("9_1", JobState::Completed), task("9_[2-4]", JobState::Pending)];
        assert_eq!(state_of("9_*", &jobs), Some(JobState::Pending));
        assert_eq!(state_of("9_1", &jobs), Some(JobState::Completed));
        assert_eq!(state_of("10", &jobs), None);
    }
}
