//! `slurmdash install check`: the self-test alone. Nothing is changed, so nothing is written into the journal.
use std::process::ExitCode;
use std::time::Instant;

use slurmdash_installer::action::{Act as _, Materials, Setting, StepError};
use slurmdash_installer::plan::{Limits, Phase, Step};

use super::cluster::{self, Cluster, Source};
use super::shown::{Found, LeftOut};
use super::voice::{Colour, Voice, plain};
use super::{Place, text};
use crate::cli::print_line;

/// Runs the command.
pub fn run(place: &Place) -> Result<ExitCode, String> {
    let source = Source::read(place.config.as_deref())?;
    cluster::must_be_root()?;
    let voice = Voice::new();
    let state = &place.state.state_dir;
    let journal = cluster::look(state)?;
    if journal.configuration().map_err(|error| error.to_string())?.is_none() {
        return Err("no cluster was installed from here; `slurmdash install` does".into());
    }
    let only_tests = Limits { only: vec![Phase::SelfTest], ..Limits::default() };
    let cluster = Cluster::look_at(&source, &journal, |_| Ok(only_tests), false)?;
    text::print(&text::findings(voice, &Found::fold(&cluster.findings)));
    let left_out = cluster.away.iter().map(|(host, why)| LeftOut { host: host.clone(), why: why.clone() });
    text::print(&text::left_out(voice, &left_out.collect::<Vec<_>>()));
    let tests: Vec<&Step> = cluster.plan.steps().collect();
    if tests.is_empty() {
        return Err("there is nothing to be tried: what is named above must be mended first".into());
    }
    let (keep, written) = (slurmdash_installer::journal::PLACE.into(), std::collections::BTreeMap::new());
    let setting = Setting { keep, written, keep_data: true };
    let mut failed = 0;
    for step in &tests {
        let begun = Instant::now();
        let waiting = cluster::waiting(&plain(&step.id.0));
        let outcome = attempt(&cluster, step, &setting);
        waiting.finish_and_clear();
        let subject = plain(&format!("{}: {}", step.host, step.action.subject()));
        match outcome {
            Ok(()) => {
                let took = begun.elapsed().as_secs_f64();
                print_line(&format!("{} {subject} ({took:.1} s)", voice.paint(Colour::Green, "ok    ")));
            }
            Err(error) => {
                failed += 1;
                print_line(&format!("{} {subject}: {}", voice.paint(Colour::Red, "FAILED"), plain(&error.to_string())));
                if let StepError::NotReached { log, .. } = error {
                    let lines: Vec<String> = log.iter().map(|line| plain(&format!("       | {line}"))).collect();
                    text::print(&lines);
                }
            }
        }
    }
    if failed == 0 {
        print_line(&format!("All {} tests passed.", tests.len()));
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!("{failed} of {} tests failed; `slurmdash doctor` looks for causes", tests.len()))
}

fn attempt(cluster: &Cluster, step: &Step, setting: &Setting) -> Result<(), StepError> {
    let none = Materials::default();
    let materials = cluster.plan.materials.get(&step.host).unwrap_or(&none);
    cluster.hosts.get(&step.host)?.execute(&step.action, setting, materials)?
}
