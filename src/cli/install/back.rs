//! The way back: `slurmdash install rollback` and `uninstall`, and what becomes of a run that failed.
use std::path::Path;
use std::process::ExitCode;

use slurmdash_installer::config::MAX_HOSTS;
use slurmdash_installer::hostlist;
use slurmdash_installer::journal::{Journal, PLACE, Run};
use slurmdash_installer::plan::StepId;
use slurmdash_installer::run::{Back, Cleared, Hosts, Left, Runs, Undone, clear, rollback};
use slurmdash_installer::secrets::Secrets;

use super::cluster::{self, Source};
use super::former::Former;
use super::progress::Progress;
use super::shown::LeftOut;
use super::stop::Reins;
use super::voice::{Colour, Voice, plain};
use super::{Place, text};
use crate::cli::print_line;

/// munge's key on every host.
const MUNGE_KEY: &str = "/etc/munge/munge.key";

/// How far back it goes.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The last step that stays.
    pub to: Option<&'a str>,
    /// Every run.
    pub all: bool,
    /// Data is kept as a copy.
    pub keep_data: bool,
    /// When everything is undone, what the installer keeps for itself goes too.
    pub leaves: bool,
    /// Only these hosts, as hostlists.
    pub limit: &'a [String],
}

/// Runs the command.
pub fn run(place: &Place, yes: bool, asked: Asked<'_>) -> Result<ExitCode, String> {
    let source = Source::read(place.config.as_deref())?;
    cluster::must_be_root()?;
    let voice = Voice::new();
    let mut back = Back {
        runs: if asked.all { Runs::All } else { Runs::Last },
        to: asked.to.map(|step| StepId(step.to_owned())),
        keep_data: asked.keep_data,
        hosts: Vec::new(),
        parallel: 1,
    };
    let state = &place.state.state_dir;
    let journal = cluster::look(state)?;
    back.hosts = limited(&journal, asked.limit)?;
    let own = || {
        let words =
            "Nothing is installed any more. This removes what the installer kept for itself; copies of data stay.";
        (asked.leaves && back.hosts.is_empty() && state.symlink_metadata().is_ok()).then(|| words.to_owned())
    };
    let Some(said) = words(&journal, &back).or_else(own) else {
        print_line("Nothing is installed from here, so there is nothing to undo.");
        return Ok(ExitCode::SUCCESS);
    };
    print_line(&plain(&said));
    if !yes {
        if !voice.can_ask {
            return Err("nobody can be asked here, so nothing is done; --yes does it without asking".into());
        }
        if !voice.ask("Undo this? Type yes:").is_some_and(|answer| answer.eq_ignore_ascii_case("yes")) {
            return Err("nothing was undone".into());
        }
    }
    let reins = Reins::take()?;
    let mut journal = Journal::open(state, cluster::caller()).map_err(|error| error.to_string())?;
    let (config, _) = if asked.leaves { source.last_config(&journal)? } else { source.config(&journal)? };
    back.parallel = cluster::parallel(&config);
    let hosts = cluster::reach(&config, &journal)?;
    if !undo(voice, &hosts, &mut journal, &reins, &back)? {
        return Ok(ExitCode::FAILURE);
    }
    Former::forget(&journal, &back.hosts)?;
    if asked.leaves {
        leave(voice, hosts, journal, &reins, &back)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes what the installer kept for itself, on some hosts or on all and here, and says what is left of it.
fn leave(voice: Voice, mut hosts: Hosts, journal: Journal, reins: &Reins, back: &Back) -> Result<(), String> {
    if !back.hosts.is_empty() {
        hosts.0.retain(|name, _| back.hosts.contains(name));
    }
    let cleared = reins.hold(|| {
        let cleared = clear(&hosts, back.parallel);
        let forgotten = if back.hosts.is_empty() { journal.forget() } else { Ok(()) };
        forgotten.map(|()| cleared)
    });
    text::print(&leaving(voice, &cleared.map_err(|error| plain(&error.to_string()))?));
    Ok(())
}

fn leaving(voice: Voice, cleared: &Cleared) -> Vec<String> {
    let mut lines = Vec::new();
    for (host, kept) in &cleared.kept {
        let kept: Vec<String> = kept.iter().map(|path| path.display().to_string()).collect();
        let words = format!("{host}: copies are in {}; when nobody needs them: rm -r {PLACE}", kept.join(", "));
        lines.push(format!("{} {}", voice.paint(Colour::Yellow, "left for you:"), plain(&words)));
    }
    for (host, why) in &cleared.away {
        let words = format!("{host}: {why}; what the installer kept for itself is removed there by: rm -r {PLACE}");
        lines.push(format!("{} {}", voice.paint(Colour::Yellow, "left for you:"), plain(&words)));
    }
    let but = if lines.is_empty() { "" } else { " but what is named above" };
    lines.push(format!("Nothing of the installation is left{but}."));
    lines
}

/// The hosts that are meant. One that is in the cluster is not: the others would miss it.
fn limited(journal: &Journal, lists: &[String]) -> Result<Vec<String>, String> {
    let mut hosts = Vec::new();
    for list in lists {
        hosts.extend(hostlist::expand(list, MAX_HOSTS).map_err(|error| plain(&format!("--limit {list}: {error}")))?);
    }
    if hosts.is_empty() {
        return Ok(hosts);
    }
    let (config, _) = Source::Applied.config(journal)?;
    match hosts.iter().find(|host| config.host(host).is_some()) {
        None => Ok(hosts),
        Some(host) => Err(plain(&format!(
            "{host} is in the cluster: take it out of cluster.yaml and run `slurmdash install --config cluster.yaml` first"
        ))),
    }
}

/// What is undone, in words, before it is agreed to; nothing where there is nothing.
pub fn words(journal: &Journal, back: &Back) -> Option<String> {
    let mut runs: Vec<_> = journal.runs().into_iter().rev().filter(Run::stands).collect();
    if back.runs == Runs::Last {
        runs.truncate(1);
    }
    if runs.is_empty() {
        return None;
    }
    let steps: usize = runs.iter().map(|run| run.to_undo().filter(|begun| back.means(begun)).count()).sum();
    if steps == 0 && !back.hosts.is_empty() {
        return None;
    }
    let names: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    let data = if back.keep_data {
        "Data (accounting, job state, the dashboard's store) is kept as a copy on its host."
    } else {
        "DATA GOES TOO: accounting, job state, the dashboard's store, homes that were made."
    };
    let to = back.to.as_ref().map(|to| format!(", back to {to}, which stays")).unwrap_or_default();
    Some(format!("This undoes {steps} steps of {}{to}. {data}", names.join(", ")))
}

/// Undoes it and says what came of it; whether all of it was undone.
pub fn undo(voice: Voice, hosts: &Hosts, journal: &mut Journal, reins: &Reins, back: &Back) -> Result<bool, String> {
    let progress = Progress::new(voice);
    let undone = reins.hold(|| rollback(hosts, journal, &progress, &reins.control, back));
    progress.pause();
    let undone = undone.map_err(|error| plain(&error.to_string()))?;
    let is_put_back = |sha256: &str| {
        let hosts =
            undone.runs.iter().filter_map(|run| journal.run(run)).flat_map(|run| run.steps).map(|step| step.host);
        hosts
            .into_iter()
            .any(|host| journal.written(&host).get(Path::new(MUNGE_KEY)).is_some_and(|there| there == sha256))
    };
    let unrotated = Secrets::unrotate_munge_key(&journal.secrets(), is_put_back);
    unrotated.map_err(|error| error.to_string())?;
    text::print(&lines(voice, &undone));
    Ok(undone.is_complete())
}

fn lines(voice: Voice, undone: &Undone) -> Vec<String> {
    let mut lines = vec![format!("{} steps were undone.", undone.reverted.len())];
    for (host, kept) in &undone.kept {
        lines.extend(kept.iter().map(|path| plain(&format!("kept on {host}: {}", path.display()))));
    }
    let left = |word: &str, left: &Left| {
        let word = voice.paint(Colour::Yellow, word);
        format!("{word} {}", plain(&format!("{}: {}", left.step, left.what)))
    };
    lines.extend(undone.left.iter().map(|what| left("left for you:", what)));
    lines.extend(undone.stuck.iter().map(|what| left("not undone:", what)));
    let away: Vec<LeftOut> =
        undone.away.iter().map(|(host, why)| LeftOut { host: host.clone(), why: why.clone() }).collect();
    lines.extend(text::left_out(voice, &away));
    if undone.stopped || undone.broken_off {
        lines.push("It was stopped before its end: `slurmdash install rollback` goes on.".to_owned());
    } else if !undone.stuck.is_empty() {
        lines.push("When that is put right, `slurmdash install rollback` tries what is left.".to_owned());
    }
    lines
}

/// All of the last run.
pub fn last_run(parallel: usize) -> Back {
    Back { runs: Runs::Last, to: None, keep_data: true, hosts: Vec::new(), parallel }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_named_with_what_removes_it() {
        let voice = Voice { is_terminal: false, can_ask: false, colours: false };
        assert_eq!(leaving(voice, &Cleared::default()), ["Nothing of the installation is left."]);
        let mut cleared = Cleared::default();
        cleared.kept.insert("head1".into(), vec!["/var/lib/slurmdash-install/kept/20261125-130501".into()]);
        cleared.away.insert("node7".into(), "no route to host".into());
        let lines = leaving(voice, &cleared).join("\n");
        for words in
            ["head1: copies are in /var/lib/slurmdash-install/kept/20261125-130501", "node7: no route", "rm -r"]
        {
            assert!(lines.contains(words), "{lines}");
        }
        assert!(lines.ends_with("is left but what is named above."), "{lines}");
    }
}
