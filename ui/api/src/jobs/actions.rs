//! What can be done with jobs.
use serde::{Deserialize, Serialize};

use super::JobState;

/// What can be done with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// End it. scancel(1).
    Cancel,
    /// Keep it from starting. scontrol(1), `hold`.
    Hold,
    /// Let a held one start. scontrol(1), `release`.
    Release,
    /// Put it back in the queue, to start from the beginning. scontrol(1), `requeue`.
    Requeue,
    /// Stop its processes. scontrol(1), `suspend`; operators only, as Slurm has it.
    Suspend,
    /// Let a suspended one go on. scontrol(1), `resume`.
    Resume,
    /// Change its time limit (people: only downwards once it runs). scontrol(1), `update TimeLimit`.
    TimeLimit,
    /// Change its nice value (people: only upwards, which lowers its priority). scontrol(1), `update Nice`.
    Nice,
}

impl ActionKind {
    /// Every action.
    pub const ALL: [ActionKind; 8] = [
        Self::Cancel,
        Self::Hold,
        Self::Release,
        Self::Requeue,
        Self::Suspend,
        Self::Resume,
        Self::TimeLimit,
        Self::Nice,
    ];

    /// The word of the API: `cancel`, `time_limit`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Requeue => "requeue",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::TimeLimit => "time_limit",
            Self::Nice => "nice",
        }
    }

    /// Whether a job in this state can have it done. Slurm has the last word.
    pub fn fits(self, state: JobState) -> bool {
        use JobState::{Configuring, Pending, Running, Suspended};
        match self {
            Self::Cancel => !state.is_final() && state != JobState::Unknown,
            Self::Hold | Self::Release | Self::Nice => state == Pending,
            Self::Requeue => matches!(state, Running | Suspended | Configuring),
            Self::Suspend => state == Running,
            Self::Resume => state == Suspended,
            Self::TimeLimit => matches!(state, Pending | Running | Suspended),
        }
    }
}

/// `POST /api/jobs/actions`: one action on one or many jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    /// What to do.
    pub action: ActionKind,
    /// Job ids, `123` or `123_4`; 1 to 1000.
    pub jobs: Vec<String>,
    /// For `time_limit`: the new limit as Slurm writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// For `nice`: the new value, -10000 to 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nice: Option<i32>,
}

/// What became of an action, job by job in the order asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionResults {
    /// One for each job.
    pub results: Vec<ActionResult>,
    /// How many were done.
    pub done: usize,
    /// How many were not.
    pub failed: usize,
}

/// What became of one job's action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionResult {
    /// The job.
    pub job: String,
    /// Whether it was done.
    pub ok: bool,
    /// A stable word for why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
