//! Which controllers answer, and who of them is in charge.
//!
//! A ping takes milliseconds, and seconds when a host is gone; so it is no part of the poller's look and is seldom made.
//! That a backup answers does not make it the one in charge: in standby it answers pings and refuses the rest, for
//! `SlurmctldTimeout` (slurm.conf(5), two minutes by default). It is in charge once Slurm has answered through it.

use std::sync::Arc;
use std::time::Duration;

use slurmdash_api::cluster::{Controller, ControllerRole, Controllers, Standing};
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::live::snapshot::Snapshot;

/// A ping for so many looks of the poller.
const LOOKS: u32 = 10;
/// The same after something has changed: a takeover takes several steps.
const LOOKS_AFTER_A_CHANGE: u32 = 2;

/// What counts as a pause between two looks at most.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Asks again and again, and at once when Slurm stops answering or answers again.
pub async fn run(app: Arc<App>) {
    let mut could_ask = true;
    loop {
        let before = app.live.last_known();
        let looks = match app.slurm.controllers().await {
            Ok(all) => {
                could_ask = true;
                take_in(&app, &before.controllers, all).await;
                let same = app.live.last_known().controllers == before.controllers;
                if same { LOOKS } else { LOOKS_AFTER_A_CHANGE }
            }
            Err(error) => {
                if could_ask {
                    tracing::warn!(%error, "it can't be asked which controllers answer");
                }
                could_ask = false;
                LOOKS
            }
        };
        // Where Slurm is to be looked at seldom, a ping still costs it nothing.
        let look = Duration::from_millis(app.config.slurm.poll_milliseconds).min(LONGEST_LOOK);
        sleep(look).await;
        let is_stale = before.freshness.stale;
        let turned = app.live.wait_for(|now| now.freshness.stale != is_stale);
        // Whether it turned or the time is over does not matter: it asks again.
        let _ = timeout(look * (looks - 1), turned).await;
    }
}

/// Publishes what a ping found; for a backup that answers in the primary's place, first that it does, then, when Slurm
/// answers, that it is in charge.
async fn take_in(app: &App, before: &Controllers, all: Vec<Controller>) {
    let mut now = Controllers { all, in_charge: None };
    let first = now.first().map(|first| (first.host.clone(), first.role));
    now.in_charge = match &first {
        Some((host, ControllerRole::Primary)) => Some(host.clone()),
        Some((host, ControllerRole::Backup)) => {
            before.in_charge.clone().filter(|known| known == host && !app.live.last_known().freshness.stale)
        }
        None => None,
    };
    publish(app, now.clone());
    if let (None, Some((host, _))) = (&now.in_charge, first) {
        app.live.look_and_wait().await;
        let answers = !app.live.last_known().freshness.stale;
        // The primary may have come back meanwhile, and be the one that answered.
        if answers && app.slurm.controllers().await.as_ref() == Ok(&now.all) {
            publish(app, Controllers { in_charge: Some(host), ..now });
        }
    }
}

fn publish(app: &App, now: Controllers) {
    let before = app.live.last_known();
    if *before.controllers == now {
        return;
    }
    tell(&before.controllers, &now);
    let now = Arc::new(now);
    app.live.publish(|before| Snapshot { controllers: now, ..before.clone() });
}

/// Says in the log what has changed; nothing at the start when all is well.
fn tell(before: &Controllers, now: &Controllers) {
    let silent: Vec<&str> = now.all.iter().filter(|one| !one.answers).map(|one| one.host.as_str()).collect();
    let silent = silent.join(", ");
    match now.standing() {
        Standing::Unknown => {}
        Standing::Usual if !silent.is_empty() => {
            tracing::warn!(silent, "a backup controller does not answer; it could not take over");
        }
        Standing::Usual if before.all.is_empty() => {}
        Standing::Usual => tracing::info!(in_charge = now.in_charge, "every controller answers"),
        Standing::TakenOver { in_charge, .. } => {
            tracing::warn!(silent, in_charge, "the primary controller does not answer; a backup is in charge");
        }
        Standing::TakingOver { next, .. } => {
            tracing::warn!(silent, next, "the primary controller does not answer; a backup is to take over");
        }
        Standing::Silent => tracing::warn!(silent, "no controller answers"),
    }
}
