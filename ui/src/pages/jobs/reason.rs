//! Why a job waits, in a few words for lists: Slurm's codes by families. The job's own page has the whole explanation,
//! which the server makes.
use crate::i18n::t;

/// What keeps a job from starting, as far as a few words can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Resources,
    Priority,
    Scheduling,
    Dependency,
    DependencyNever,
    BeginTime,
    Held,
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
            "JobHeldUser" | "JobHeldAdmin" | "JobHoldMaxRequeue" | "launch" | "JobLaunchFailure" => Self::Held,
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

/// Whether somebody holds the job.
pub fn is_held(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.starts_with("JobHeld"))
}

/// Why a job waits, in a few words.
pub fn short_reason(code: &str) -> String {
    let words = t().reasons;
    match Wait::of(code) {
        Wait::Resources => words.resources_short(),
        Wait::Priority => words.priority_short(),
        Wait::Scheduling => words.scheduling_short(),
        Wait::Dependency => words.dependency_short(),
        Wait::DependencyNever => words.dependency_never_short(),
        Wait::BeginTime => words.begin_time_short(),
        Wait::Held => words.held_short(),
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
        assert!(is_held(Some("JobHeldUser")) && !is_held(Some("Priority")) && !is_held(None));
    }
}
