//! Why a job waits and why it failed: Slurm's codes, in words.
use slurmdash_api::jobs::{JobDetail, JobState};

use crate::components::Tone;
use crate::i18n::{format, t};

/// What the explanation box says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// How serious it is.
    pub tone: Tone,
    /// What is so.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do; empty when there is nothing to do.
    pub todo: String,
}

/// What keeps a job from starting, as far as a person can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Resources,
    Priority,
    Scheduling,
    Dependency,
    DependencyNever,
    BeginTime,
    HeldByUser,
    HeldByAdmin,
    Partition,
    PartitionLimit,
    Nodes,
    Reservation,
    Limit,
    ArrayLimit,
    Licenses,
    Impossible,
    Account,
    Cleaning,
    Other,
}

impl Wait {
    /// Reads Slurm's code. Some come with more behind them: `ReqNodeNotAvail, UnavailableNodes:n[1-2]`.
    fn of(code: &str) -> Self {
        let code = code.trim_matches(['(', ')', ' ']);
        let word = code.split([',', ' ', ':']).next().unwrap_or_default();
        match word {
            "Resources" => Self::Resources,
            "Priority" => Self::Priority,
            "" | "None" | "WaitingForScheduling" | "Prolog" | "Reboot" => Self::Scheduling,
            "Dependency" => Self::Dependency,
            "DependencyNeverSatisfied" => Self::DependencyNever,
            "BeginTime" => Self::BeginTime,
            "JobHeldUser" => Self::HeldByUser,
            "JobHeldAdmin" | "JobHoldMaxRequeue" | "launch" | "JobLaunchFailure" => Self::HeldByAdmin,
            "PartitionDown" | "PartitionInactive" => Self::Partition,
            "PartitionNodeLimit" | "PartitionTimeLimit" | "PartitionConfig" => Self::PartitionLimit,
            "ReqNodeNotAvail" | "NodeDown" | "FrontEndDown" | "Nodes" => Self::Nodes,
            "Reservation" | "ReservationDeleted" => Self::Reservation,
            "JobArrayTaskLimit" => Self::ArrayLimit,
            "Licenses" => Self::Licenses,
            "BadConstraints" | "ConstraintsNotMet" => Self::Impossible,
            "InvalidAccount" | "InvalidQOS" | "AccountNotAllowed" | "QOSNotAllowed" => Self::Account,
            "Cleaning" => Self::Cleaning,
            _ if is_limit(word) => Self::Limit,
            _ => Self::Other,
        }
    }
}

/// `AssocGrpCpuLimit`, `QOSMaxJobsPerUserLimit`, `AssociationJobLimit`, … all say the same to a person.
fn is_limit(word: &str) -> bool {
    ["Assoc", "QOS", "MaxMemPerLimit", "MaxCpuPerNode"].iter().any(|prefix| word.starts_with(prefix))
}

/// Why a job waits, in a few words for lists.
pub fn short_reason(code: &str) -> String {
    let words = t().reasons;
    match Wait::of(code) {
        Wait::Resources => words.resources_short(),
        Wait::Priority => words.priority_short(),
        Wait::Scheduling => words.scheduling_short(),
        Wait::Dependency => words.dependency_short(),
        Wait::DependencyNever => words.dependency_never_short(),
        Wait::BeginTime => words.begin_time_short(),
        Wait::HeldByUser | Wait::HeldByAdmin => words.held_short(),
        Wait::Partition => words.partition_short(),
        Wait::PartitionLimit => words.partition_limit_short(),
        Wait::Nodes => words.node_short(),
        Wait::Reservation => words.reservation_short(),
        Wait::Limit => words.limit_short(),
        Wait::ArrayLimit => words.array_limit_short(),
        Wait::Licenses => words.licenses_short(),
        Wait::Impossible => words.impossible_short(),
        Wait::Account => words.account_short(),
        Wait::Cleaning => words.cleaning_short(),
        Wait::Other => code.to_owned(),
    }
}

/// Explains a job, unless it simply runs or ended well.
pub fn explain(job: &JobDetail) -> Option<Explanation> {
    match job.job.state {
        JobState::Pending => Some(explain_waiting(job.job.reason.as_deref().unwrap_or_default())),
        JobState::Failed => Some(explain_failed(job.exit_code, job.signal)),
        JobState::Suspended => {
            let words = t().reasons;
            Some(plain(Tone::Info, words.suspended_what(), words.suspended_why()))
        }
        _ => explain_ended(job),
    }
}

fn plain(tone: Tone, what: String, why: String) -> Explanation {
    Explanation { tone, what, why, todo: String::new() }
}

fn explain_waiting(code: &str) -> Explanation {
    let words = t().reasons;
    let (tone, what, why, todo) = match Wait::of(code) {
        Wait::Resources => (Tone::Info, words.resources_what(), words.resources_why(), words.resources_todo()),
        Wait::Priority => (Tone::Info, words.priority_what(), words.priority_why(), words.priority_todo()),
        Wait::Scheduling => (Tone::Info, words.scheduling_what(), words.scheduling_why(), String::new()),
        Wait::Dependency => (Tone::Info, words.dependency_what(), words.dependency_why(), String::new()),
        Wait::DependencyNever => {
            (Tone::Error, words.dependency_never_what(), words.dependency_never_why(), words.dependency_never_todo())
        }
        Wait::BeginTime => (Tone::Info, words.begin_time_what(), words.begin_time_why(), String::new()),
        Wait::HeldByUser => (Tone::Warning, words.held_user_what(), words.held_user_why(), words.held_user_todo()),
        Wait::HeldByAdmin => (Tone::Warning, words.held_admin_what(), words.held_admin_why(), words.ask_admin()),
        Wait::Partition => (Tone::Warning, words.partition_what(), words.partition_why(), words.partition_todo()),
        Wait::PartitionLimit => {
            (Tone::Error, words.partition_limit_what(), words.partition_limit_why(), words.partition_limit_todo())
        }
        Wait::Nodes => (Tone::Warning, words.node_what(), words.node_why(), words.node_todo()),
        Wait::Reservation => (Tone::Info, words.reservation_what(), words.reservation_why(), String::new()),
        Wait::Limit => (Tone::Info, words.limit_what(), words.limit_why(code), words.limit_todo()),
        Wait::ArrayLimit => (Tone::Info, words.array_limit_what(), words.array_limit_why(), String::new()),
        Wait::Licenses => (Tone::Info, words.licenses_what(), words.licenses_why(), String::new()),
        Wait::Impossible => (Tone::Error, words.impossible_what(), words.impossible_why(), words.impossible_todo()),
        Wait::Account => (Tone::Error, words.account_what(), words.account_why(), words.ask_admin()),
        Wait::Cleaning => (Tone::Info, words.cleaning_what(), words.cleaning_why(), String::new()),
        Wait::Other => (Tone::Info, words.waits(), words.other_why(code), String::new()),
    };
    Explanation { tone, what, why, todo }
}

fn explain_failed(exit_code: Option<i32>, signal: Option<i32>) -> Explanation {
    let words = t().reasons;
    // A shell reports a command that a signal ended as 128 and its number.
    let from_shell = exit_code.filter(|code| (129..=159).contains(code)).map(|code| code - 128);
    if let Some(signal) = signal.filter(|signal| *signal > 0).or(from_shell) {
        let why = match signal {
            6 => words.signal_abort(),
            4 | 7 | 8 | 11 => words.signal_crash(),
            9 => words.signal_kill(),
            15 => words.signal_term(),
            _ => words.signal_other(),
        };
        return Explanation {
            tone: Tone::Error,
            what: words.signal_what(&signal_name(signal)),
            why,
            todo: words.failed_todo(),
        };
    }
    let what = exit_code.map_or_else(|| words.failed_unknown_what(), |code| words.failed_what(&code.to_string()));
    let (why, todo) = match exit_code {
        Some(126) => (words.exit_126(), words.failed_todo()),
        Some(127) => (words.exit_127(), words.exit_127_todo()),
        _ => (words.failed_why(), words.failed_todo()),
    };
    Explanation { tone: Tone::Error, what, why, todo }
}

fn explain_ended(job: &JobDetail) -> Option<Explanation> {
    let words = t().reasons;
    let (tone, what, why, todo) = match job.job.state {
        JobState::Timeout => (
            Tone::Error,
            words.timeout_what(),
            job.job
                .time_limit
                .map_or_else(|| words.timeout_why_unknown(), |limit| words.timeout_why(&format::duration(limit))),
            words.timeout_todo(),
        ),
        JobState::OutOfMemory => (
            Tone::Error,
            words.memory_what(),
            job.job
                .memory
                .map_or_else(|| words.memory_why_unknown(), |memory| words.memory_why(&format::memory(memory))),
            words.memory_todo(),
        ),
        JobState::NodeFail => (Tone::Error, words.node_fail_what(), words.node_fail_why(), words.node_fail_todo()),
        JobState::BootFail => (Tone::Error, words.boot_fail_what(), words.boot_fail_why(), words.node_fail_todo()),
        JobState::Cancelled => (Tone::Info, words.cancelled_what(), words.cancelled_why(), String::new()),
        JobState::Preempted => (Tone::Warning, words.preempted_what(), words.preempted_why(), words.preempted_todo()),
        JobState::Deadline => (Tone::Error, words.deadline_what(), words.deadline_why(), String::new()),
        _ => return None,
    };
    Some(Explanation { tone, what, why, todo })
}

/// A signal's name as on Linux, or its number.
pub fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        other => return other.to_string(),
    };
    format!("{name} ({signal})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_with_more_behind_them_are_known() {
        assert_eq!(Wait::of("Resources"), Wait::Resources);
        assert_eq!(Wait::of("(ReqNodeNotAvail, UnavailableNodes:n[1-2])"), Wait::Nodes);
        assert_eq!(Wait::of("None"), Wait::Scheduling);
        assert_eq!(Wait::of(""), Wait::Scheduling);
        assert_eq!(Wait::of("AssocGrpCpuLimit"), Wait::Limit);
        assert_eq!(Wait::of("QOSMaxJobsPerUserLimit"), Wait::Limit);
        assert_eq!(Wait::of("InvalidQOS"), Wait::Account);
        assert_eq!(Wait::of("QOSNotAllowed"), Wait::Account);
        assert_eq!(Wait::of("SomethingNew"), Wait::Other);
        assert_eq!(short_reason("SomethingNew"), "SomethingNew");
        assert!(explain_waiting("SomethingNew").why.contains("SomethingNew"));
    }

    #[test]
    fn failures_are_told_apart() {
        assert!(explain_failed(Some(127), None).why.contains("not found"));
        assert!(explain_failed(Some(3), None).what.contains('3'));
        assert!(explain_failed(Some(137), None).what.contains("SIGKILL"));
        assert!(explain_failed(Some(0), Some(11)).why.contains("crashed"));
        assert!(explain_failed(None, Some(0)).what.contains("failed"));
        assert_eq!(signal_name(64), "64");
    }
}
