//! Why a job waits: Slurm's reason codes, with what the cluster looks like beside them.
mod around;
mod dependency;
mod rows;

use slurmdash_api::jobs::{JobState, Severity};

use super::Facts;
use super::limit::Limit;
use super::words::{Both, Pair, Said, both, duration, name};

/// A reason as Slurm gives it: a code, and sometimes more behind it.
#[derive(Debug, Clone, Copy)]
struct Reason<'a> {
    /// The code alone: `ReqNodeNotAvail`.
    code: &'a str,
    /// Everything: `ReqNodeNotAvail, UnavailableNodes:n[1-2]`.
    whole: &'a str,
}

impl<'a> Reason<'a> {
    fn of(text: &'a str) -> Self {
        let mut whole = text.trim();
        if let Some(inner) = whole.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            whole = inner.trim();
        }
        // A code that nothing can be read of is none.
        if name(whole).is_empty() {
            whole = "";
        }
        let code = whole.split([',', ' ', ':', '(']).next().unwrap_or_default();
        Self { code, whole }
    }

    /// Whether the words of `phrase` are in it, however they are joined (`launch_failed`, `launch failed`).
    fn says(self, phrase: &str) -> bool {
        self.whole.to_ascii_lowercase().replace('_', " ").contains(phrase)
    }

    /// What is said of this code, wherever it is met.
    fn row(self) -> Option<&'static rows::Row> {
        let phrases = [
            ("nodes required for job are", "NodesUnavailable"),
            ("reserved for maintenance", "ReservedForMaintenance"),
            ("launch failed requeued held", "LaunchFailedHeld"),
            ("requeued held", "RequeuedHeld"),
            ("requeued in held state", "RequeuedHeld"),
        ];
        let code = phrases.into_iter().find(|(phrase, _)| self.says(phrase)).map_or(self.code, |(_, code)| code);
        rows::ROWS.iter().find(|row| row.reasons.iter().any(|reason| reason.eq_ignore_ascii_case(code)))
    }
}

/// Explains a job in the queue.
pub(super) fn explain(facts: &Facts<'_>) -> Said {
    let reason = Reason::of(facts.job.reason.as_deref().unwrap_or_default());
    if let Some(row) = reason.row() {
        let mut said = Said::fixed(row.code, row.severity, row.texts);
        around::add(&mut said, facts, reason);
        return said;
    }
    if let Some(limit) = Limit::of(reason.code) {
        return limit.explain(facts, reason.code);
    }
    let told = name(reason.whole);
    Said {
        code: "other_reason",
        severity: Severity::Info,
        short: both!("{told}", "대기 사유: {told}"),
        what: Pair("It waits in the queue", "대기열에서 기다리고 있습니다").into(),
        why: both!("Slurm gives this reason: {told}.", "Slurm이 알린 사유: {told}."),
        todo: Both::default(),
    }
}

/// A waiting job's reason in a few words.
pub(super) fn short(reason: &str) -> Both {
    let reason = Reason::of(reason);
    if let Some(row) = reason.row() {
        return row.texts[0].into();
    }
    if let Some(limit) = Limit::of(reason.code) {
        return limit.short();
    }
    let told = name(reason.whole);
    both!("{told}", "대기 사유: {told}")
}

/// Longest time, in seconds, that nodes are made ready or a job is cleaned up without a word about it.
const SOON: i64 = 60;

/// Explains a job that neither waits nor runs nor is over; `None` while that is nothing out of the ordinary.
pub(super) fn explain_pause(facts: &Facts<'_>) -> Option<Said> {
    let job = facts.job;
    let since = |time: Option<i64>| {
        let passed = facts.now.saturating_sub(time?);
        (passed > SOON).then(|| duration(passed.unsigned_abs()))
    };
    match job.state {
        JobState::Configuring => {
            let passed = since(job.start_time)?;
            let mut said = Said::fixed("configuring", Severity::Info, rows::CONFIGURING);
            said.why = said.why.and(both!("That has taken {passed} so far.", "지금까지 {passed} 걸렸습니다."));
            Some(said)
        }
        JobState::Completing => {
            let passed = since(job.end_time)?;
            let mut said = Said::fixed("completing", Severity::Warning, rows::COMPLETING);
            said.why = said.why.and(both!("That has taken {passed} so far.", "지금까지 {passed} 걸렸습니다."));
            Some(said)
        }
        JobState::Suspended => Some(Said::fixed("suspended", Severity::Info, rows::SUSPENDED)),
        _ => None,
    }
}
