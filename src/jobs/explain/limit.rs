//! Usage limits of associations and QOS: `AssocGrpCpuLimit`, `QOSMaxGRESPerUser`, `MaxMemoryRunMinsPerAccount`, …
//!
//! Their codes are made of the same parts: whose limit, which kind, of what, for whom. Source: “Job Reason Codes” and
//! “Resource Limits” of Slurm's documentation, 22.05 to 24.11.
use slurmdash_api::jobs::{Job, JobState, Severity};

use super::Facts;
use super::words::{Both, Pair, Said, both, counted, duration, memory, name, number};

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Cpus,
    Memory,
    Nodes,
    Gres,
    Licences,
    BurstBuffer,
    Energy,
    Billing,
    Jobs,
    Submitted,
    Time,
    Other,
}

/// Whom it holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All jobs of the account or QOS together.
    Group,
    /// All jobs of one user.
    User,
    /// All jobs of one account within the QOS.
    Account,
    /// One job.
    Job,
    /// One job on one node.
    Node,
}

/// How it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// What is in use at once.
    AtOnce,
    /// Use added up over time: a budget.
    Minutes,
    /// What running jobs may still use up to their time limits.
    RunMinutes,
}

/// A usage limit, as its code names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    of_qos: bool,
    /// The least a job must ask for, rather than the most.
    least: bool,
    resource: Resource,
    scope: Scope,
    measure: Measure,
}

impl Limit {
    /// Reads a code; `None` when it is no usage limit.
    pub(super) fn of(code: &str) -> Option<Self> {
        let lower = code.to_ascii_lowercase();
        let (of_qos, rest) = if let Some(rest) = lower.strip_prefix("association").or(lower.strip_prefix("assoc")) {
            (false, rest)
        } else if let Some(rest) = lower.strip_prefix("qos") {
            (true, rest)
        } else if lower.starts_with("max") && (lower.ends_with("peraccount") || lower.ends_with("peruser")) {
            (true, lower.as_str())
        } else {
            return None;
        };
        let rest = rest.strip_suffix("limit").unwrap_or(rest);
        let (kind, rest) = ["grp", "max", "min"]
            .into_iter()
            .find_map(|kind| rest.strip_prefix(kind).map(|rest| (kind, rest)))
            .unwrap_or(("grp", rest));
        let (scope, rest) = [
            ("perjob", Scope::Job),
            ("pernode", Scope::Node),
            ("peruser", Scope::User),
            ("peraccount", Scope::Account),
        ]
        .into_iter()
        .find_map(|(end, scope)| rest.strip_suffix(end).map(|rest| (Some(scope), rest)))
        .unwrap_or((None, rest));
        let (measure, rest) = [
            ("runminutes", Measure::RunMinutes),
            ("runmins", Measure::RunMinutes),
            ("minutes", Measure::Minutes),
            ("mins", Measure::Minutes),
        ]
        .into_iter()
        .find_map(|(end, measure)| rest.strip_suffix(end).map(|rest| (measure, rest)))
        .unwrap_or((Measure::AtOnce, rest));
        let resource = resource(rest);
        let scope = scope.unwrap_or(match kind {
            "grp" => Scope::Group,
            "min" => Scope::Job,
            // The only ones without a scope in their code: jobs and submissions of one user's association.
            _ => Scope::User,
        });
        Some(Self { of_qos, least: kind == "min", resource, scope, measure })
    }

    /// Whether the job itself asks for too much or too little, so that waiting does not help.
    fn is_of_the_job(self) -> bool {
        self.least || matches!(self.scope, Scope::Job | Scope::Node)
    }

    fn code(self) -> &'static str {
        match (self.is_of_the_job(), self.of_qos) {
            (true, false) => "over_account_limit",
            (true, true) => "over_qos_limit",
            (false, false) => "account_limit",
            (false, true) => "qos_limit",
        }
    }

    /// Whose jobs count together.
    fn holder(self, job: &Job) -> Both {
        let account = job.account.as_deref().map(name);
        let qos = job.qos.as_deref().map(name);
        let (in_en, in_ko) = match (self.of_qos, account.as_ref(), qos) {
            (true, _, Some(qos)) => (format!("QOS “{qos}”"), format!("QOS “{qos}”")),
            (true, ..) => ("its QOS".to_owned(), "QOS".to_owned()),
            (false, Some(account), _) => (format!("account “{account}”"), format!("계정 “{account}”")),
            (false, ..) => ("its account".to_owned(), "계정".to_owned()),
        };
        match self.scope {
            Scope::Group => both!("all jobs in {in_en} together", "{in_ko}의 모든 작업"),
            Scope::User => both!("all jobs of one user in {in_en}", "{in_ko}에서 한 사용자의 모든 작업"),
            Scope::Account => match account.filter(|_| self.of_qos) {
                Some(account) => {
                    both!("all jobs of account “{account}” in {in_en}", "{in_ko}에서 계정 “{account}”의 모든 작업")
                }
                None => both!("all jobs of one account in {in_en}", "{in_ko}에서 한 계정의 모든 작업"),
            },
            Scope::Job => both!("one job in {in_en}", "{in_ko}의 작업 하나"),
            Scope::Node => both!("one job on one node in {in_en}", "{in_ko}의 노드당 작업 하나"),
        }
    }

    /// Whether a job counts towards the same limit as this one.
    fn counts(self, job: &Job, other: &Job) -> bool {
        let same_account = job.account.is_some() && job.account == other.account;
        let same_qos = job.qos.is_some() && job.qos == other.qos;
        let within = if self.of_qos { same_qos } else { same_account };
        within
            && match self.scope {
                Scope::User => job.user == other.user,
                Scope::Account => same_account,
                Scope::Group | Scope::Job | Scope::Node => true,
            }
    }

    /// What counts towards it now, as far as lists show it.
    fn in_use(self, facts: &Facts<'_>) -> Option<Both> {
        if self.is_of_the_job() || self.measure != Measure::AtOnce {
            return None;
        }
        let counted = || facts.cluster.jobs.iter().filter(|other| self.counts(facts.job, other));
        let running = || counted().filter(|other| matches!(other.state, JobState::Running | JobState::Suspended));
        let jobs = |number: usize| (number > 0).then(|| amount_of_jobs(number as u64));
        Some(match self.resource {
            Resource::Submitted => {
                let Both { en, ko } = jobs(counted().filter(|job| !job.state.is_final()).count())?;
                both!("Waiting or running now: {en}.", "현재 대기 또는 실행 중: {ko}.")
            }
            Resource::Jobs => {
                let Both { en, ko } = jobs(running().count())?;
                both!("Running now: {en}.", "현재 실행 중: {ko}.")
            }
            _ => {
                let mut sum = Asked::default();
                for job in running() {
                    sum.add(job);
                }
                let Both { en, ko } = sum.words(self.resource)?;
                both!("In use by running jobs now: {en}.", "현재 실행 중인 작업의 사용량: {ko}.")
            }
        })
    }

    /// Explains a job that waits for it.
    pub(super) fn explain(self, facts: &Facts<'_>, code: &str) -> Said {
        let of = self.resource.words();
        let (of_en, of_ko) = (of.0, of.1);
        let (severity, what) = match (self.least, self.is_of_the_job(), self.measure) {
            (true, ..) => (
                Severity::Error,
                both!(
                    "It asks for less than its QOS requires: {of_en}",
                    "QOS가 요구하는 최소량보다 적게 요청했습니다: {of_ko}"
                ),
            ),
            (_, true, _) => (
                Severity::Error,
                both!(
                    "It asks for more than one job may have: {of_en}",
                    "작업 하나에 허용된 양보다 많이 요청했습니다: {of_ko}"
                ),
            ),
            (.., Measure::Minutes) => {
                (Severity::Warning, both!("A usage budget is used up: {of_en}", "사용 예산을 모두 썼습니다: {of_ko}"))
            }
            _ => (Severity::Info, both!("A usage limit is reached: {of_en}", "사용 한도에 도달했습니다: {of_ko}")),
        };
        let holder = self.holder(facts.job);
        let (who_en, who_ko) = (holder.en, holder.ko);
        let code = name(code);
        let rule = match (self.least, self.measure) {
            (true, _) => both!(
                "There is a least amount of {of_en} for {who_en} (Slurm: {code}).",
                "{who_ko}: {of_ko}에 최소량이 정해져 있습니다(Slurm: {code})."
            ),
            (_, Measure::AtOnce) => both!(
                "There is a limit on {of_en} for {who_en} (Slurm: {code}).",
                "{who_ko}: {of_ko}에 한도가 있습니다(Slurm: {code})."
            ),
            (_, Measure::Minutes) => both!(
                "There is a limit on {of_en} added up over time for {who_en} (Slurm: {code}).",
                "{who_ko}: 시간에 따라 누적되는 사용량({of_ko})에 한도가 있습니다(Slurm: {code})."
            ),
            (_, Measure::RunMinutes) => both!(
                "There is a limit on {of_en} that {who_en} may still use up to their time limits (Slurm: {code}).",
                "{who_ko}: 시간 제한까지 더 쓸 수 있는 양({of_ko})에 한도가 있습니다(Slurm: {code})."
            ),
        };
        let mut asked = Asked::default();
        asked.add(facts.job);
        let asked = asked
            .words(self.resource)
            .map(|Both { en, ko }| both!("This job asks for {en}.", "이 작업의 요청량: {ko}."));
        Said {
            code: self.code(),
            severity,
            short: self.short(),
            what,
            why: rule.and_maybe(asked).and_maybe(self.in_use(facts)),
            todo: self.todo().into(),
        }
    }

    /// In a few words for lists.
    pub(super) fn short(self) -> Both {
        let Pair(en, ko) = self.resource.words();
        let whose = if self.of_qos { Pair("QOS", "QOS") } else { Pair("account", "계정") };
        Both::new(format!("{} limit: {en}", whose.0), format!("{} 한도: {ko}", whose.1))
    }

    fn todo(self) -> Pair {
        match (self.least, self.is_of_the_job(), self.measure) {
            (true, ..) => Pair(
                "It will not start like this. Cancel it and ask for more, or use another QOS.",
                "이대로는 시작되지 않습니다. 취소한 뒤 더 많이 요청하거나 다른 QOS를 사용하세요.",
            ),
            (_, true, Measure::AtOnce) => Pair(
                "It will not start like this. Cancel it and submit it with less, or use another QOS or account.",
                "이대로는 시작되지 않습니다. 취소한 뒤 요청을 줄이거나 다른 QOS 또는 계정으로 제출하세요.",
            ),
            (_, true, _) => Pair(
                "It will not start like this. Submit it with a shorter time limit or fewer resources.",
                "이대로는 시작되지 않습니다. 시간 제한이나 요청 자원을 줄여 다시 제출하세요.",
            ),
            (.., Measure::Minutes) => Pair(
                "Ask your administrator for more, or wait until older use no longer counts; or use another account.",
                "관리자에게 한도 증가를 요청하거나, 지난 사용량이 줄어들 때까지 기다리거나, 다른 계정을 사용하세요.",
            ),
            (.., Measure::RunMinutes) => Pair(
                "It starts when running jobs come closer to their end. A shorter time limit helps.",
                "실행 중인 작업의 남은 시간이 줄어들면 시작됩니다. 시간 제한을 줄이면 도움이 됩니다.",
            ),
            _ => Pair(
                "It starts when other jobs of this kind end. Ask your administrator if the limit is too low.",
                "해당하는 다른 작업이 끝나면 시작됩니다. 한도가 너무 낮다면 관리자에게 문의하세요.",
            ),
        }
    }
}

fn resource(word: &str) -> Resource {
    match word {
        "cpu" | "cpunotsatisfied" => Resource::Cpus,
        "mem" | "memory" => Resource::Memory,
        "node" | "nodes" => Resource::Nodes,
        "gres" => Resource::Gres,
        "license" => Resource::Licences,
        "bb" => Resource::BurstBuffer,
        "energy" => Resource::Energy,
        "billing" => Resource::Billing,
        "job" | "jobs" => Resource::Jobs,
        "submitjob" | "submitjobs" => Resource::Submitted,
        "wall" | "wallduration" | "time" => Resource::Time,
        _ => Resource::Other,
    }
}

impl Resource {
    fn words(self) -> Pair {
        match self {
            Self::Cpus => Pair("CPUs", "CPU 수"),
            Self::Memory => Pair("memory", "메모리 용량"),
            Self::Nodes => Pair("nodes", "노드 수"),
            Self::Gres => Pair("GPUs (GRES)", "GPU 수(GRES)"),
            Self::Licences => Pair("licences", "라이선스 수"),
            Self::BurstBuffer => Pair("burst buffer space", "버스트 버퍼 용량"),
            Self::Energy => Pair("energy", "에너지 사용량"),
            Self::Billing => Pair("billing units", "과금 단위"),
            Self::Jobs => Pair("running jobs", "실행 작업 수"),
            Self::Submitted => Pair("jobs in the queue", "대기열의 작업 수"),
            Self::Time => Pair("running time", "실행 시간"),
            Self::Other => Pair("another resource", "기타 자원"),
        }
    }
}

/// What jobs ask for or use, added up.
#[derive(Default)]
struct Asked {
    cpus: u64,
    memory: u64,
    nodes: u64,
    gpus: u64,
    time: u64,
}

impl Asked {
    fn add(&mut self, job: &Job) {
        self.cpus = self.cpus.saturating_add(job.cpus.into());
        self.memory = self.memory.saturating_add(job.memory.unwrap_or(0));
        self.nodes = self.nodes.saturating_add(job.nodes.into());
        self.gpus = self.gpus.saturating_add(job.gpus.into());
        self.time = self.time.saturating_add(job.time_limit.unwrap_or(0));
    }

    /// The amount of one resource; `None` where there is none or lists don't show it.
    fn words(&self, resource: Resource) -> Option<Both> {
        Some(match resource {
            Resource::Cpus if self.cpus > 0 => {
                Both::new(counted(self.cpus, "CPU", "CPUs"), format!("CPU {}개", number(self.cpus)))
            }
            Resource::Nodes if self.nodes > 0 => {
                Both::new(counted(self.nodes, "node", "nodes"), format!("노드 {}개", number(self.nodes)))
            }
            Resource::Gres if self.gpus > 0 => {
                Both::new(counted(self.gpus, "GPU", "GPUs"), format!("GPU {}개", number(self.gpus)))
            }
            Resource::Memory if self.memory > 0 => {
                let memory = memory(self.memory);
                both!("{memory} of memory", "메모리 {memory}")
            }
            Resource::Time if self.time > 0 => {
                let time = duration(self.time);
                both!("{time} of running time", "실행 시간 {time}")
            }
            _ => return None,
        })
    }
}

fn amount_of_jobs(jobs: u64) -> Both {
    Both::new(counted(jobs, "job", "jobs"), format!("작업 {}개", number(jobs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_taken_apart() {
        let limit = |of_qos, least, resource, scope, measure| Some(Limit { of_qos, least, resource, scope, measure });
        for (code, expected) in [
            ("AssocGrpCpuLimit", limit(false, false, Resource::Cpus, Scope::Group, Measure::AtOnce)),
            ("AssocGrpCPURunMinutesLimit", limit(false, false, Resource::Cpus, Scope::Group, Measure::RunMinutes)),
            ("AssocMaxJobsLimit", limit(false, false, Resource::Jobs, Scope::User, Measure::AtOnce)),
            ("AssocMaxMemMinutesPerJob", limit(false, false, Resource::Memory, Scope::Job, Measure::Minutes)),
            ("QOSMaxGRESPerUser", limit(true, false, Resource::Gres, Scope::User, Measure::AtOnce)),
            ("QOSMaxWallDurationPerJobLimit", limit(true, false, Resource::Time, Scope::Job, Measure::AtOnce)),
            ("QOSMaxSubmitJobPerUserLimit", limit(true, false, Resource::Submitted, Scope::User, Measure::AtOnce)),
            ("QOSMinCpuNotSatisfied", limit(true, true, Resource::Cpus, Scope::Job, Measure::AtOnce)),
            ("QOSMinGRES", limit(true, true, Resource::Gres, Scope::Job, Measure::AtOnce)),
            ("MaxBillingRunMinsPerAccount", limit(true, false, Resource::Billing, Scope::Account, Measure::RunMinutes)),
            ("MaxNodePerAccount", limit(true, false, Resource::Nodes, Scope::Account, Measure::AtOnce)),
            ("AssociationJobLimit", limit(false, false, Resource::Jobs, Scope::Group, Measure::AtOnce)),
            ("MaxMemPerLimit", None),
            ("Resources", None),
        ] {
            assert_eq!(Limit::of(code), expected, "{code}");
        }
    }
}
