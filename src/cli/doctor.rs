//! `slurmdash doctor`: looks at the whole cluster as it is now. Each finding comes with what mends it.
use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use slurmdash_installer::action::{Action, Expected};
use slurmdash_installer::plan::{Limits, Plan, Step};
use slurmdash_installer::run::Preview;

use super::install::cluster::{self, Cluster, Source};
use super::install::shown::{Folded, Found, Kind, Severity, rows, stages};
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
    let (found, looked) = match look(&arguments.place) {
        Ok(looked) => looked,
        Err(message) => {
            print_error(&message);
            return ExitCode::FAILURE;
        }
    };
    if arguments.json {
        print_line(&serde_json::to_string_pretty(&json!({"findings": found})).unwrap_or_default());
    } else {
        text::print(&text::findings(voice::Voice::new(), &found));
        print_line(&said(&found, looked));
    }
    match found.iter().map(|found| found.severity).min() {
        None => ExitCode::SUCCESS,
        Some(Severity::Error) => ExitCode::FAILURE,
        Some(Severity::Warning) => ExitCode::from(WARNINGS),
    }
}

/// How much was looked at.
#[derive(Debug, Clone, Copy)]
struct Looked {
    /// Single things.
    checks: usize,
    /// Hosts that could be reached.
    hosts: usize,
}

/// The last line: `14 checks on 1 host: all is well`, or how much was found.
fn said(found: &[Found], looked: Looked) -> String {
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let of = |severity: Severity, word: &str| {
        let number = found.iter().filter(|found| found.severity == severity).count();
        (number > 0).then(|| count(number, word))
    };
    let found = [of(Severity::Error, "error"), of(Severity::Warning, "warning")];
    let found: Vec<String> = found.into_iter().flatten().collect();
    let found = if found.is_empty() { "all is well".to_owned() } else { found.join(" and ") };
    format!("{} on {}: {found}.", count(looked.checks, "check"), count(looked.hosts, "host"))
}

fn look(place: &Place) -> Result<(Vec<Found>, Looked), String> {
    let source = Source::read(place.config.as_deref())?;
    cluster::must_be_root()?;
    let state = &place.state.state_dir;
    let journal = cluster::look(state)?;
    if matches!(source, Source::Applied) && journal.configuration().map_err(|error| error.to_string())?.is_none() {
        return Err("no cluster was installed from here; name its configuration with --config".into());
    }
    // The journal, and the hosts together.
    let mut looked = Looked { checks: 2, hosts: 0 };
    let mut found = Vec::new();
    if let (Some(run), None) = (journal.unfinished(), journal.holder().map_err(|error| error.to_string())?) {
        found.push(Found {
            severity: Severity::Error,
            hosts: Vec::new(),
            what: format!("the installer's run {} is not finished", run.id),
            fix: "slurmdash install --resume goes on, slurmdash install rollback undoes it".into(),
        });
    }
    let mut cluster = Cluster::look_at(&source, &journal, |_| Ok(Limits::default()), false)?;
    found.extend(Found::fold(&cluster.findings));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| format!("can't start: {error}"))?;
    let nodes = runtime.block_on(live::nodes());
    looked.checks += 1;
    if let (Some(url), Some(host)) = (ending::direct_url(&cluster.config), cluster.config.dashboard_host()) {
        found.extend(runtime.block_on(live::dashboard(&url, &host.name, Clock::system().now())));
        looked.checks += 1;
    }
    look_at_everything(&mut cluster.plan, nodes.is_ok());
    found.extend(nodes.unwrap_or_else(|finding| vec![finding]));
    let preview = cluster.preview(&journal);
    found.extend(not_as_it_should_be(&cluster.plan, &preview));
    found.sort_by_key(|found| found.severity);
    let steps = cluster.plan.steps().filter(|step| !preview.away.contains_key(&step.host));
    looked.checks += steps.count();
    looked.hosts = cluster.reached;
    Ok((found, looked))
}

/// Leaves of a plan what says how things are: whatever is waited for after a change alone is looked at now. Daemons are
/// started anew after a change alone, too, but that is no finding; and jobs are not run, which `install check` is for.
fn look_at_everything(plan: &mut Plan, nodes_are_known: bool) {
    for stage in &mut plan.stages {
        stage.steps.retain_mut(|step| match &step.action {
            Action::RestartUnit(_) => false,
            Action::Await(wait) => {
                step.when_changed.clear();
                match wait.expected {
                    Expected::JobRuns { .. }
                    | Expected::DashboardJobRuns { .. }
                    | Expected::DashboardAnswers { .. } => false,
                    Expected::NodesReady { .. } => !nodes_are_known,
                    _ => true,
                }
            }
            _ => true,
        });
    }
}

/// What a look at every step found.
fn not_as_it_should_be(plan: &Plan, preview: &Preview) -> Vec<Found> {
    let error = |host: &str, what: String, fix: String| Found {
        severity: Severity::Error,
        hosts: vec![host.to_owned()],
        what,
        fix,
    };
    let mut found = Vec::new();
    for (host, away) in &preview.away {
        let fix = format!("ssh {host} must work from here as root, or as the user in section ssh of cluster.yaml");
        found.push(error(host, format!("it can't be reached: {}", away.error), fix));
    }
    for refusal in &preview.refused {
        found.push(error(&refusal.host, refusal.to_string(), "slurmdash install --plan says more".into()));
    }
    let logs: HashMap<&str, &Path> = plan.steps().filter_map(log).collect();
    let rows = rows(plan, preview, false);
    for (_, _, folded) in stages(&rows) {
        found.extend(folded.iter().map(|change| differs(change, &logs)));
    }
    found
}

/// The log of what a step waits for.
fn log(step: &Step) -> Option<(&str, &Path)> {
    let Action::Await(wait) = &step.action else { return None };
    Some((step.id.0.as_str(), wait.log.as_deref()?))
}

/// A change that would be made, as a finding.
fn differs(change: &Folded<'_>, logs: &HashMap<&str, &Path>) -> Found {
    let row = change.row;
    let (severity, what, fix) = if row.kind == Kind::Awaited {
        let fix = logs.get(row.step.as_str()).map(|log| format!("the end of {} there says why", log.display()));
        let fix = fix.unwrap_or_else(|| "journalctl there says why".to_owned());
        (Severity::Error, format!("this is not so: {}", row.subject), fix)
    } else if row.drift {
        let fix =
            "slurmdash install --plan --diff shows it; put what you want into cluster.yaml, then slurmdash install";
        (Severity::Warning, format!("{} was changed by hand: {}", row.subject, row.summary), fix.to_owned())
    } else {
        let what = format!("{} is not as cluster.yaml says: {}", row.subject, row.summary);
        (Severity::Warning, what, "slurmdash install puts it right; --plan shows it first".to_owned())
    };
    Found { severity, hosts: change.hosts.iter().map(|host| (*host).to_owned()).collect(), what, fix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_how_much_was_looked_at_and_found() {
        let found = |severities: &[Severity]| -> Vec<Found> {
            let of = |severity: &Severity| Found {
                severity: *severity,
                hosts: Vec::new(),
                what: "odd".into(),
                fix: String::new(),
            };
            severities.iter().map(of).collect()
        };
        let last = |severities: &[Severity]| said(&found(severities), Looked { checks: 14, hosts: 1 });
        assert_eq!(last(&[]), "14 checks on 1 host: all is well.");
        assert_eq!(last(&[Severity::Warning]), "14 checks on 1 host: 1 warning.");
        let all = [Severity::Error, Severity::Error, Severity::Warning];
        assert_eq!(last(&all), "14 checks on 1 host: 2 errors and 1 warning.");
    }
}
