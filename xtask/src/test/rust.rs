//! The parts that are Rust: unit tests with the documentation's examples, and the integration binary.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::cluster::Cluster;
use super::counts::Counts;
use super::{Runner, runner};
use crate::needs::npm;
use crate::project::Project;

/// Every member's library and programs, then the documentation's examples.
pub fn unit(project: &Project) -> Result<Counts> {
    let mut counts = run(project, &["--workspace", "--lib", "--bins"], &[])?;
    counts += cargo_test(project, &["--workspace", "--doc"], &[])?;
    Ok(counts)
}

/// The integration binaries: the installer's crash tests and its way over a real sshd; the program's, with a real OpenID
/// provider, and with a real cluster where there can be one.
pub fn it(project: &Project) -> Result<Counts> {
    // The far end of the installer's SSH tests is an example.
    let mut counts = run(project, &["--package", "slurmdash-installer", "--test", "*", "--examples"], &[])?;
    npm(project, &project.root.join("tests/oidc"))?;
    let cluster = Cluster::up(project)?;
    let settings = cluster.as_ref().map(Cluster::settings).transpose()?.unwrap_or_default();
    counts += run(project, &["--package", "slurmdash", "--test", "it"], &settings)?;
    Ok(counts)
}

/// The tests that are selected, with these variables.
pub fn run(project: &Project, selection: &[&str], settings: &[(String, String)]) -> Result<Counts> {
    match runner(project) {
        Runner::Nextest => nextest(project, selection, settings),
        Runner::Cargo => cargo_test(project, selection, settings),
    }
}

fn nextest(project: &Project, selection: &[&str], settings: &[(String, String)]) -> Result<Counts> {
    let report = project.root.join("target/nextest/ci/junit.xml");
    project.sh.remove_path(&report)?;
    let command =
        project.cargo().args(["nextest", "run", "--locked", "--profile", "ci", "--no-tests", "pass"]).args(selection);
    let ended = command.envs(settings.iter().cloned()).run();
    match fs::read_to_string(&report) {
        // A failing test ends nextest with an error too; the report has the better words.
        Ok(report) => {
            let mut counts = Counts::from_junit(&report);
            let ignored = ["nextest", "list", "--locked", "--run-ignored", "only", "--message-format", "oneline"];
            let ignored = project.cargo().args(ignored).args(selection).quiet().ignore_stderr().read()?;
            counts.skipped.extend(ignored.lines().map(|name| format!("{name}: marked as ignored")));
            Ok(counts)
        }
        Err(_) => ended.map(|()| Counts::default()).context("the tests were not built"),
    }
}

fn cargo_test(project: &Project, selection: &[&str], settings: &[(String, String)]) -> Result<Counts> {
    let command =
        project.cargo().args(["test", "--locked", "--no-fail-fast"]).args(selection).args(["--", "--show-output"]);
    println!("$ {command}");
    let mut command = Command::from(command);
    count(command.envs(settings.iter().cloned()))
}

/// Runs something that reports as `cargo test -- --show-output` does, shows it and counts it.
pub fn count(command: &mut Command) -> Result<Counts> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut output = String::new();
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        let line = line?;
        println!("{line}");
        output.push_str(&line);
        output.push('\n');
    }
    let ended = child.wait()?;
    let mut counts = Counts::from_libtest(&output);
    if !ended.success() && counts.failed == 0 {
        // Not built, or killed: no line says so.
        counts.failed = 1;
    }
    Ok(counts)
}
