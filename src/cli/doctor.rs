//! `slurmdash doctor`: looks at the whole cluster as it is now. Each finding comes with what mends it.
use std::process::ExitCode;

use serde_json::json;
use slurmdash_installer::plan::{Limits, Phase, Plan};
use slurmdash_installer::run::Preview;

use super::install::cluster::{self, Cluster, Source};
use super::install::shown::{Found, Kind, Severity, rows, stages};
use super::install::{Place, ending, live, text, voice};
use super::{print_error, print_line};
use crate::clock::Clock;

/// Exit code when there are warnings and no errors.
const WARNINGS: u8 = 2;

/// Look at the whole cluster live: hosts, daemons, nodes, files, clocks, disks, certificate. Changes nothing
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all is well; 1 there are errors, or it could not be looked at; 2 there are warnings only."
)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Print {"findings": [{"severity", "hosts", "what", "fix"}]}
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let found = match look(&arguments.place) {
        Ok(found) => found,
        Err(message) => {
            print_error(&message);
            return ExitCode::FAILURE;
        }
    };
    if arguments.json {
        print_line(&serde_json::to_string_pretty(&json!({"findings": found})).unwrap_or_default());
    } else {
        text::print(&text::findings(voice::Voice::new(), &found));
        if found.is_empty() {
            print_line("All is well.");
        }
    }
    match found.iter().map(|found| found.severity).min() {
        None => ExitCode::SUCCESS,
        Some(Severity::Error) => ExitCode::FAILURE,
        Some(Severity::Warning) => ExitCode::from(WARNINGS),
    }
}

fn look(place: &Place) -> Result<Vec<Found>, String> {
    let source = Source::read(place.config.as_deref())?;
    cluster::must_be_root()?;
    let state = &place.state.state_dir;
    let journal = cluster::look(state)?;
    if matches!(source, Source::Applied) && journal.configuration().map_err(|error| error.to_string())?.is_none() {
        return Err("no cluster was installed from here; name its configuration with --config".into());
    }
    let mut found = Vec::new();
    if let (Some(run), None) = (journal.unfinished(), journal.holder().map_err(|error| error.to_string())?) {
        found.push(Found {
            severity: Severity::Error,
            hosts: Vec::new(),
            what: format!("the installer's run {} is not finished", run.id),
            fix: "slurmdash install --resume goes on, slurmdash install rollback undoes it".into(),
        });
    }
    let cluster = Cluster::look_at(&source, &journal, |_| Ok(Limits::default()))?;
    found.extend(Found::fold(&cluster.findings));
    let preview = cluster.preview(&journal);
    found.extend(not_as_it_should_be(&cluster.plan, &preview));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    found.extend(runtime.map_err(|error| format!("can't start: {error}"))?.block_on(running(&cluster)));
    found.sort_by_key(|found| found.severity);
    Ok(found)
}

/// What only the running cluster can say.
async fn running(cluster: &Cluster) -> Vec<Found> {
    let mut found = live::nodes().await;
    if let (Some(url), Some(host)) = (ending::direct_url(&cluster.config), cluster.config.dashboard_host()) {
        found.extend(live::dashboard(&url, &host.name, Clock::system().now()).await);
    }
    found
}

/// What a look at every step found. The self-test is not tried: that is what `install check` is for.
fn not_as_it_should_be(plan: &Plan, preview: &Preview) -> Vec<Found> {
    let mut found = Vec::new();
    let away = preview.away.iter().map(|(host, away)| Found {
        severity: Severity::Error,
        hosts: vec![host.clone()],
        what: format!("it can't be reached: {}", away.error),
        fix: format!("ssh {host} as root must work from here"),
    });
    found.extend(away);
    let refused = preview.refused.iter().map(|refusal| Found {
        severity: Severity::Error,
        hosts: vec![refusal.host.clone()],
        what: refusal.to_string(),
        fix: "slurmdash install --plan says more".into(),
    });
    found.extend(refused);
    let mut rows = rows(plan, preview, false);
    rows.retain(|row| row.phase != Phase::SelfTest);
    for (_, _, folded) in stages(&rows) {
        for change in folded {
            let hosts = change.hosts.iter().map(|host| (*host).to_owned()).collect();
            let (row, is_drift) = (change.row, change.row.drift);
            let what = if is_drift {
                format!("{} was changed by hand since it was written: {}", row.subject, row.summary)
            } else {
                format!("{}: {}", row.subject, row.summary)
            };
            let fix = if is_drift {
                "slurmdash install --plan --diff shows it; put what you want into cluster.yaml, then slurmdash install"
            } else {
                "slurmdash install puts it right"
            };
            // What is waited for in vain is a daemon that does not answer.
            let severity = if row.kind == Kind::Awaited { Severity::Error } else { Severity::Warning };
            found.push(Found { severity, hosts, what, fix: fix.to_owned() });
        }
    }
    found
}
