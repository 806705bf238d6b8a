//! The one who looks at Slurm, for all viewers together.
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use slurmdash_api::cluster::{Freshness, Partition};
use tokio::time::{Instant, sleep, timeout};

use crate::app::App;
use crate::live::snapshot::Snapshot;
use crate::slurm::SlurmError;

/// Partitions and the cluster's name hardly ever change.
const PARTITIONS_EVERY: Duration = Duration::from_mins(1);
/// Shortest pause between two looks, whatever wakes us.
const AT_LEAST: Duration = Duration::from_millis(100);

/// Looks again and again. A slow Slurm is asked less often: it rests at least as long as it needed to answer.
pub async fn run(app: Arc<App>) {
    let mut partitions_at: Option<Instant> = None;
    loop {
        let begun = Instant::now();
        let with_partitions = partitions_at.is_none_or(|at| at.elapsed() >= PARTITIONS_EVERY);
        let previous = app.live.last_known();
        let was_stale = previous.freshness.stale;
        match look(&app, &previous, with_partitions).await {
            Ok(snapshot) => {
                if with_partitions {
                    partitions_at = Some(begun);
                }
                if was_stale {
                    tracing::info!("Slurm answers again");
                }
                app.live.publish(|before| Snapshot { controllers: before.controllers.clone(), ..snapshot });
                let snapshot = app.live.last_known();
                app.history.follow_up(app.slurm.as_ref(), app.own.as_ref(), &snapshot, app.clock.now()).await;
            }
            Err(error) => {
                if !was_stale {
                    tracing::warn!(%error, "Slurm does not answer; the last known state is served");
                }
                let freshness =
                    Freshness { stale: true, problem: Some(error.to_string()), ..previous.freshness.clone() };
                app.live.publish(|before| Snapshot { freshness, ..before.clone() });
            }
        }
        let took = begun.elapsed();
        let config = &app.config.slurm;
        let pause = if app.live.is_watched() { config.poll_milliseconds } else { config.idle_poll_milliseconds };
        sleep(AT_LEAST.max(took)).await;
        // Whether it was woken or the time is over does not matter: it looks again.
        let _ = timeout(Duration::from_millis(pause).saturating_sub(took), app.live.wanted()).await;
    }
}

/// What Slurm says now. Its controllers are asked for by another task.
async fn look(app: &App, previous: &Snapshot, with_partitions: bool) -> Result<Snapshot, SlurmError> {
    let slurm = &app.slurm;
    let (mut jobs, mut nodes) = tokio::try_join!(slurm.jobs(), slurm.nodes())?;
    let (cluster, partitions) = if with_partitions {
        let (name, partitions): (String, Vec<Partition>) = tokio::try_join!(slurm.cluster_name(), slurm.partitions())?;
        (Arc::from(name), Arc::from(partitions))
    } else {
        (previous.cluster.clone(), previous.partitions.clone())
    };
    app.history.fill_in(&mut jobs);
    jobs.sort_by_key(|job| Reverse(job.job_id));
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    let freshness = Freshness { taken_at: Some(app.clock.now()), stale: false, problem: None };
    let controllers = previous.controllers.clone();
    Ok(Snapshot { cluster, jobs: jobs.into(), nodes: nodes.into(), partitions, controllers, freshness })
}
