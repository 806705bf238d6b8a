//! `slurmdash install`: plan, show, ask, do, and say what came of it.
use std::process::ExitCode;

use slurmdash_installer::config::{Config, MAX_HOSTS};
use slurmdash_installer::hostlist;
use slurmdash_installer::journal::{Journal, JournalError};
use slurmdash_installer::plan::{Limits, StepId};
use slurmdash_installer::run::{Ended, Options, Preview, Report, RunError, apply};

use super::cluster::{self, Cluster, Source};
use super::former::Former;
use super::progress::Progress;
use super::shown::{Found, LeftOut, Severity, Shown, rows};
use super::stop::Reins;
use super::voice::{Colour, Voice, plain};
use super::{Apply, CHANGES, LEFT_OUT, OnFailure, back, ending, text};
use crate::cli::print_line;

/// What a person wants after a stop or a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    GoOn,
    RollBack,
    Keep,
}

/// Runs it.
pub fn run(wish: &Apply) -> Result<ExitCode, String> {
    let source = Source::read(wish.place.config.as_deref())?;
    cluster::must_be_root()?;
    let voice = Voice::new();
    if wish.plan {
        return show(voice, wish, &source);
    }
    if !wish.yes && !voice.can_ask {
        return Err("nobody can be asked here, so nothing is done; look at it with --plan, and do it with --yes".into());
    }
    let state = &wish.place.state.state_dir;
    judge_resume(&cluster::look(state)?, wish.resume)?;
    let mut journal = Journal::open(state, cluster::caller()).map_err(|error| error.to_string())?;
    let reins = Reins::take()?;
    let mut turn = Turn { voice, wish, source: &source, reins: &reins, resume: wish.resume, agreed: wish.yes };
    loop {
        let (cluster, report) = match turn.take(&mut journal)? {
            Came::ToAnEnd(code) => return Ok(code),
            Came::ToAStop(cluster, report) => (cluster, report),
        };
        match after(voice, wish.on_failure, &report) {
            Wish::GoOn => turn.resume = true,
            Wish::Keep => {
                return Err("what was done stays: `slurmdash install --resume` goes on with it, `slurmdash install \
                     rollback` undoes it"
                    .into());
            }
            Wish::RollBack => {
                let back = back::last_run(cluster.parallel());
                let is_whole = back::undo(voice, &cluster.hosts, &mut journal, &reins, &back)?;
                let words = if is_whole { "all of this run was undone" } else { "not all of this run could be undone" };
                return Err(words.into());
            }
        }
    }
}

/// What a turn came to.
enum Came {
    /// Everything is done, or nothing had to be.
    ToAnEnd(ExitCode),
    /// A step failed, or somebody stopped it.
    ToAStop(Box<Cluster>, Report),
}

/// Plan, show, ask, do: the first time, and each time a person wants to go on.
struct Turn<'a> {
    voice: Voice,
    wish: &'a Apply,
    source: &'a Source,
    reins: &'a Reins,
    resume: bool,
    agreed: bool,
}

impl Turn<'_> {
    fn take(&mut self, journal: &mut Journal) -> Result<Came, String> {
        let (voice, wish, reins) = (self.voice, self.wish, self.reins);
        let rotates = wish.rotate_munge_key && !self.resume;
        let cluster = Cluster::look_at(self.source, journal, |config| limits(wish, config), rotates)?;
        let preview = cluster.preview(journal);
        let shown = shown(&cluster, &preview, wish);
        text::print(&text::plan(voice, &shown, wish.diff));
        if shown.has_errors() {
            return Err("nothing was done: what is named above must be mended first".into());
        }
        if preview.is_empty() && !self.resume {
            return Ok(Came::ToAnEnd(left_out_code(!shown.left_out.is_empty())));
        }
        if !self.agreed && !preview.is_empty() && !agrees(voice) {
            return Err("nothing was done".into());
        }
        self.agreed = true;
        cluster.keep(journal)?;
        let progress = Progress::new(voice);
        let allow_disruption = allowed(wish, &preview);
        let options = Options { resume: self.resume, allow_disruption, parallel: cluster.parallel() };
        let report =
            reins.hold(|| apply(&cluster.plan, &preview, &cluster.hosts, journal, &progress, &reins.control, &options));
        progress.pause();
        let report = report.map_err(|error| plain(&error.to_string()))?;
        match report.ended {
            Ended::NothingToDo | Ended::Done => {
                if wish.only.is_empty() && wish.limit.is_empty() {
                    Former::settle(journal)?;
                }
                tell_done(voice, &cluster, &report, journal, wish);
                Ok(Came::ToAnEnd(left_out_code(!report.left_out.is_empty())))
            }
            Ended::BrokenOff => {
                let words = "stopped at once; what was under way is finished or undone by `slurmdash install --resume` or \
                             `slurmdash install rollback`";
                Err(words.into())
            }
            Ended::Failed | Ended::Stopped => Ok(Came::ToAStop(Box::new(cluster), report)),
        }
    }
}

/// `--plan`: shows, and does nothing.
fn show(voice: Voice, wish: &Apply, source: &Source) -> Result<ExitCode, String> {
    let journal = cluster::look(&wish.place.state.state_dir)?;
    let cluster = Cluster::look_at(source, &journal, |config| limits(wish, config), wish.rotate_munge_key)?;
    let preview = cluster.preview(&journal);
    let shown = shown(&cluster, &preview, wish);
    if wish.json {
        print_line(&shown.json());
    } else {
        text::print(&text::plan(voice, &shown, wish.diff));
    }
    Ok(match () {
        () if shown.has_errors() => ExitCode::FAILURE,
        () if shown.changes.is_empty() => ExitCode::SUCCESS,
        () => ExitCode::from(CHANGES),
    })
}

/// Whether it can be gone on, or begun.
fn judge_resume(journal: &Journal, resume: bool) -> Result<(), String> {
    // What runs is not finished, and not to be gone on with either.
    if let Some(holder) = journal.holder().map_err(|error| error.to_string())? {
        return Err(JournalError::Held(holder).to_string());
    }
    match (journal.unfinished(), resume) {
        (Some(run), false) => Err(RunError::Unfinished(run.id).to_string()),
        (None, true) => Err(RunError::NothingToResume.to_string()),
        _ => Ok(()),
    }
}

/// What is wanted of the plan. A host that is no host of the configuration is told, rather than nothing done.
fn limits(wish: &Apply, config: &Config) -> Result<Limits, String> {
    let mut hosts = Vec::new();
    for list in &wish.limit {
        let names = hostlist::expand(list, MAX_HOSTS).map_err(|error| plain(&format!("--limit {list}: {error}")))?;
        if let Some(stranger) = names.iter().find(|name| config.host(name).is_none()) {
            return Err(plain(&format!("--limit {list}: {stranger} is no host of the configuration")));
        }
        hosts.extend(names);
    }
    let only = wish.only.iter().map(|phase| phase.0).collect();
    Ok(Limits { only, hosts, upgrade: wish.upgrade, ..Limits::default() })
}

/// What the preview says, and what keeps it from being done.
fn shown(cluster: &Cluster, preview: &Preview, wish: &Apply) -> Shown {
    let left_out = preview.left_out().into_iter().map(|(host, why)| LeftOut { host, why }).collect();
    let mut shown = Shown {
        changes: rows(&cluster.plan, preview, wish.diff),
        same: preview.same.len(),
        hosts: 0,
        findings: Found::fold(&cluster.findings),
        left_out,
    };
    let refused = preview.refused.iter().filter(|refusal| !refusal.leaves_out);
    shown.findings.extend(refused.map(|refusal| Found {
        severity: Severity::Error,
        hosts: vec![refusal.host.clone()],
        what: refusal.to_string(),
        fix: String::new(),
    }));
    let allowed = allowed(wish, preview);
    let disruptions = preview.disruptions().filter(|change| !allowed.contains(&change.step));
    shown.findings.extend(
        disruptions.map(|change| Found {
            severity: Severity::Error,
            hosts: vec![change.host.clone()],
            what: format!(
                "{}: {}",
                change.step,
                preview.objection(change).map(|error| error.to_string()).unwrap_or_default()
            ),
            fix: shlex::try_quote(&change.step.0)
                .map_or_else(|_| String::new(), |step| format!("--allow-disruption={step}")),
        }),
    );
    let away = preview.away.iter().filter(|(_, away)| !away.can_be_left_out);
    shown.findings.extend(away.map(|(host, away)| Found {
        severity: Severity::Error,
        hosts: vec![host.clone()],
        what: format!("it can't be reached, and others need it: {}", away.error),
        fix: format!("ssh {host} as root must work from here"),
    }));
    shown.count();
    shown
}

/// Steps that were named, or all that disturb what runs.
fn allowed(wish: &Apply, preview: &Preview) -> std::collections::BTreeSet<StepId> {
    let all = wish.allow_disruption.iter().any(|step| step == super::ALL);
    let named = |step: &StepId| all || wish.allow_disruption.contains(&step.0);
    preview.disruptions().map(|change| change.step.clone()).filter(named).collect()
}

fn agrees(voice: Voice) -> bool {
    voice.ask("\nDo this? Type yes:").is_some_and(|answer| answer.eq_ignore_ascii_case("yes"))
}

fn left_out_code(is_somebody: bool) -> ExitCode {
    if is_somebody { ExitCode::from(LEFT_OUT) } else { ExitCode::SUCCESS }
}

fn tell_done(voice: Voice, cluster: &Cluster, report: &Report, journal: &Journal, wish: &Apply) {
    let done = format!("Done: {} steps.", report.changed.len() + report.besides.len());
    print_line(&format!("\n{}", voice.paint(Colour::Green, &done)));
    let left_out: Vec<LeftOut> =
        report.left_out.iter().map(|(host, why)| LeftOut { host: host.clone(), why: why.clone() }).collect();
    text::print(&text::left_out(voice, &left_out));
    if !left_out.is_empty() {
        print_line("When they are back, `slurmdash install` does what is missing there.");
    }
    if let Some(run) = &report.run {
        print_line(&format!("Log: {}", journal.log_path(run).display()));
    }
    if wish.only.is_empty() && wish.limit.is_empty() {
        ending::say(voice, &cluster.config, report.run.as_ref(), journal, &wish.place.state.state_dir);
    }
}

/// What becomes of what was done.
fn after(voice: Voice, on_failure: Option<OnFailure>, report: &Report) -> Wish {
    let is_failure = report.ended == Ended::Failed;
    // Who stopped it wants to decide; who is away can't, and nothing is lost by waiting.
    let unasked = if is_failure { Wish::RollBack } else { Wish::Keep };
    match on_failure {
        Some(OnFailure::Rollback) if is_failure => return Wish::RollBack,
        Some(OnFailure::Keep) => return Wish::Keep,
        _ => {}
    }
    let happened = if is_failure { "A step failed (see above)." } else { "Stopped." };
    for _ in 0..3 {
        let question = format!(
            "{happened} What was done so far is written down.\n  g  go on: plan anew and try what is left\n  r  roll back all of \
             this run\n  k  keep it as it is, and decide later\n[g/r/k]"
        );
        match voice.ask(&question).as_deref().map(str::to_lowercase).as_deref() {
            None => break,
            Some("g" | "go on") => return Wish::GoOn,
            Some("r" | "roll back" | "rollback") => return Wish::RollBack,
            Some("k" | "keep") => return Wish::Keep,
            Some(_) => {}
        }
    }
    unasked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_person_a_failure_is_undone_and_a_stop_is_kept() {
        let nobody = Voice { is_terminal: false, can_ask: false, colours: false };
        let report = |ended| Report {
            run: None,
            ended,
            changed: Vec::new(),
            already: Vec::new(),
            besides: Vec::new(),
            failures: Vec::new(),
            left_out: std::collections::BTreeMap::new(),
        };
        let wish = |how, ended| after(nobody, how, &report(ended));
        assert_eq!(wish(None, Ended::Failed), Wish::RollBack);
        assert_eq!(wish(Some(OnFailure::Ask), Ended::Failed), Wish::RollBack);
        assert_eq!(wish(Some(OnFailure::Rollback), Ended::Failed), Wish::RollBack);
        assert_eq!(wish(Some(OnFailure::Keep), Ended::Failed), Wish::Keep);
        for how in [None, Some(OnFailure::Ask), Some(OnFailure::Rollback), Some(OnFailure::Keep)] {
            assert_eq!(wish(how, Ended::Stopped), Wish::Keep, "nothing failed");
        }
    }
}
