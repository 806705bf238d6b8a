//! `slurmdash install status`: what was done, run by run.
use serde_json::{Value, json};
use slurmdash_installer::journal::{Came, Holder, Journal, Outcome, Run};

use super::voice::plain;
use crate::cli::print_line;

/// Prints it.
pub fn print(journal: &Journal, as_json: bool) -> Result<(), String> {
    let holder = journal.holder().map_err(|error| error.to_string())?;
    let runs = journal.runs();
    if as_json {
        let rows: Vec<Value> = runs.iter().map(row).collect();
        let holder = holder.map(|holder| holder.map_or_else(|| json!({}), |holder| json!(holder)));
        let text = serde_json::to_string_pretty(&json!({"runs": rows, "running": holder}));
        print_line(&text.map_err(|error| error.to_string())?);
        return Ok(());
    }
    for line in lines(&runs, holder.as_ref(), journal.unfinished().as_ref()) {
        print_line(&plain(&line));
    }
    Ok(())
}

/// The same for people: a line a run, and the steps of the last one.
fn lines(runs: &[Run], holder: Option<&Option<Holder>>, unfinished: Option<&Run>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(holder) = holder {
        let who = holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default();
        lines.push(format!("An installer runs{who}"));
    }
    if runs.is_empty() {
        lines.push("Nothing was installed from here.".to_owned());
    }
    for run in runs {
        let done = run.steps.iter().filter(|begun| begun.came == Came::Done).count();
        let command = run.command.join(" ");
        lines.push(format!("{}  {:<11}  {done} of {} steps done  {command}", run.id, outcome(run), run.planned));
        lines.extend(run.failed.as_ref().map(|(step, error)| format!("    failed: {step}: {error}")));
        lines.extend(run.left_out.iter().map(|(host, error)| format!("    left out: {host}: {error}")));
    }
    if let Some(last) = runs.last() {
        lines.push(format!("Steps of {}, in order:", last.id));
        for begun in &last.steps {
            let stuck = begun.stuck.as_ref().map(|stuck| format!(" (can't be undone: {stuck})")).unwrap_or_default();
            lines.push(format!("    {:<8}  {}{stuck}", came(begun.came), begun.step));
        }
    }
    if unfinished.is_some() && holder.is_none() {
        lines.push(
            "The last run is not finished: `slurmdash install --resume` goes on, `slurmdash install rollback` undoes it."
                .to_owned(),
        );
    }
    lines
}

/// How a run ended, in a word.
pub fn outcome(run: &Run) -> &'static str {
    match run.outcome() {
        Some(Outcome::Done) => "done",
        Some(Outcome::Stopped) => "stopped",
        Some(Outcome::RolledBack) => "rolled back",
        None => "broken off",
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

/// A run for programs.
fn row(run: &Run) -> Value {
    let steps: Vec<Value> = run
        .steps
        .iter()
        .map(|begun| json!({"step": begun.step, "host": begun.host, "came": begun.came, "stuck": begun.stuck}))
        .collect();
    let failed = run.failed.as_ref().map(|(step, error)| json!({"step": step, "error": error}));
    json!({
        "run": run.id, "began": run.began, "ended": run.ended.map(|(at, _)| at), "outcome": run.outcome(),
        "version": run.version, "command": run.command, "planned": run.planned, "steps": steps,
        "failed": failed, "left_out": run.left_out,
    })
}
