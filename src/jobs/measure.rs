//! What jobs used, asked of Slurm once for all who look: sacct and sstat cost slurmdbd and the nodes a tenth of a second
//! each.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::{Job, JobState};
use tokio::sync::OnceCell;

use crate::hands::Hands;
use crate::slurm::{JobId, Measured, Slurm, SlurmError};

/// A running job is measured again after so long.
const FRESH: Duration = Duration::from_secs(10);
/// A finished one stays as it is; accounting may still be adding to it just after the end.
const SETTLED: Duration = Duration::from_mins(10);
/// Seconds after the end until that is so.
const SETTLING: i64 = 30;
/// Most jobs that are kept.
const MOST: usize = 2000;

/// The last measurements.
#[derive(Default)]
pub struct Measurements(Mutex<HashMap<JobId, Kept>>);

struct Kept {
    at: Instant,
    until: Instant,
    /// Of the same job in the same state: a new state is measured anew.
    state: JobState,
    value: Arc<OnceCell<Measured>>,
}

impl Measurements {
    /// What a job used so far. Who asks at the same time shares one call. Only its owner may look at the processes of a
    /// running job.
    pub async fn of(
        &self,
        slurm: &dyn Slurm,
        hands: &dyn Hands,
        id: &JobId,
        job: &Job,
        now: UnixSeconds,
    ) -> Result<Measured, SlurmError> {
        let has_settled = job.state.is_final() && job.end_time.is_some_and(|end| end + SETTLING < now);
        let cell = self.cell(id, job.state, if has_settled { SETTLED } else { FRESH });
        cell.get_or_try_init(|| slurm.measured(hands, id, !job.state.is_final())).await.cloned()
    }

    fn cell(&self, id: &JobId, state: JobState, keep: Duration) -> Arc<OnceCell<Measured>> {
        let now = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(id).filter(|found| found.state == state && found.until > now) {
            return found.value.clone();
        }
        if kept.len() >= MOST {
            kept.retain(|_, found| found.until > now);
        }
        if kept.len() >= MOST
            && let Some(oldest) = kept.iter().min_by_key(|(_, found)| found.at).map(|(id, _)| id.clone())
        {
            kept.remove(&oldest);
        }
        let value = Arc::new(OnceCell::new());
        kept.insert(id.clone(), Kept { at: now, until: now + keep, state, value: value.clone() });
        value
    }
}
