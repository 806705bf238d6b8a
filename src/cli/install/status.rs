//! `slurmdash install status`: what was done, run by run, and what can be typed next.
use slurmdash_installer::journal::{Came, Journal, Outcome};
use slurmdash_installer::run::{RunStatus, Status, status};

use super::text;
use super::voice::plain;
use crate::cli::print_line;

/// Prints it.
pub fn print(journal: &Journal, as_json: bool) -> Result<(), String> {
    let status = status(journal).map_err(|error| error.to_string())?;
    if as_json {
        print_line(&serde_json::to_string_pretty(&status).map_err(|error| error.to_string())?);
    } else {
        text::print(&lines(&status).iter().map(|line| plain(line)).collect::<Vec<_>>());
    }
    Ok(())
}

/// A line a run, the steps of the last one, and what can be typed next.
fn lines(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    for run in &status.runs {
        let count = |wanted: Came| run.steps.iter().filter(|(_, came)| *came == wanted).count();
        let steps = match run.outcome {
            Some(Outcome::RolledBack) => format!("{} steps undone", count(Came::Reverted)),
            _ => format!("{} of {} steps", count(Came::Done), run.steps.len()),
        };
        let command = run.command.join(" ");
        lines.push(format!("{}  {:<11}  {steps}  {command}", run.run, outcome(run)));
        lines.extend(run.failed.iter().map(|(step, error)| format!("    failed: {step}: {error}")));
        lines.extend(run.left_out.iter().map(|(host, error)| format!("    left out: {host}: {error}")));
        lines.extend(run.stuck.iter().map(|left| format!("    can't be undone: {}: {}", left.step, left.what)));
    }
    if let Some(last) = status.runs.last().filter(|run| !run.steps.is_empty()) {
        lines.push(format!("Steps of {}, in order:", last.run));
        lines.extend(last.steps.iter().map(|(step, how_far)| format!("    {:<7}  {step}", came(*how_far))));
    }
    lines.push(status.next.clone());
    lines
}

fn outcome(run: &RunStatus) -> &'static str {
    match run.outcome {
        Some(Outcome::Done) => "done",
        Some(Outcome::Stopped) => "stopped",
        Some(Outcome::RolledBack) => "rolled back",
        None => "not ended",
    }
}

fn came(came: Came) -> &'static str {
    match came {
        Came::Begun => "begun",
        Came::Done => "done",
        Came::Failed => "failed",
        Came::Reverted => "undone",
    }
}
