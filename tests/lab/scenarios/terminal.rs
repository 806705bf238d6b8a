//! A person at a terminal: agrees or not, presses Ctrl-C once and twice.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lab::Shape;
use lab::census::Snapshot;
use lab::compare::NOTHING;

use crate::api::Dashboard;
use crate::installer::{Running, install, says};
use crate::journal::phase;
use crate::stage;

/// What Ctrl-C sends.
const CTRL_C: &str = "\u{3}";
/// What is asked before anything is done.
const AGREE: &str = "Do this? Type yes:";

#[test]
fn a_person_declines_then_stops_a_run_and_goes_on_and_takes_all_back() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let before = Snapshot::of(&host)?;
    let mut asked = Running::at_a_terminal(&stage, &host, &[])?;
    asked.shows(AGREE)?;
    asked.types("no\n")?;
    says(&asked.ends_with(1)?, &["nothing was done"])?;
    stage.same("after no", &host, &before, NOTHING)?;

    let mut run = Running::at_a_terminal(&stage, &host, &[])?;
    run.shows(AGREE)?;
    run.types("yes\n")?;
    run.begins(&host, 0, |step| phase(step) == "packages")?.context("no step in packages")?;
    run.types(CTRL_C)?;
    run.shows("[g/r/k]")?;
    ensure!(host.exec(&["dpkg", "--audit"])?.good()?.is_empty(), "the step that was under way was not finished");
    run.types("g\n")?;
    run.ends_with(0)?;
    Dashboard::sign_in(&host, &host)?.run_job(&stage)?;

    let mut back = Running::at_a_terminal(&stage, &host, &["rollback", "--all"])?;
    back.shows("Undo this? Type yes:")?;
    back.types("yes\n")?;
    back.ends_with(0)?;
    stage.same("after rollback", &host, &before, NOTHING)
}

#[test]
fn ctrl_c_twice_stops_at_once_and_the_run_can_be_resumed() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let mut run = Running::at_a_terminal(&stage, &host, &["--yes"])?;
    run.begins(&host, 0, |step| phase(step) == "packages")?.context("no step in packages")?;
    run.types(CTRL_C)?;
    run.shows("once more stops at once")?;
    let stopped = Instant::now();
    run.types(CTRL_C)?;
    says(&run.ends_with(1)?, &["stopped at once", "--resume"])?;
    ensure!(stopped.elapsed() < Duration::from_secs(5), "it took {:?} to stop at once", stopped.elapsed());
    install(&stage, &host, &["--yes", "--resume"], 0)?;
    says(&install(&stage, &host, &["--yes"], 0)?, &["nothing to do"])?;
    Dashboard::sign_in(&host, &host)?.run_job(&stage)
}
