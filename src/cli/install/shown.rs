//! A plan as people and programs see it: what changes, host by host, and what stays. No secret is in it.
//!
//! With `--json` this is what is printed, one object:
//!
//! | key | what |
//! |---|---|
//! | `changes[]` | `phase`, `stage`, `step` (its name, the same in the next plan), `host`, `subject`, `summary`, `kind` (`new`, `changed`, `restarted`, `awaited`), `disrupts` (words or null), `drift`, and with `--diff` `before` and `after` |
//! | `same` | how many things are as they should be |
//! | `hosts` | how many hosts change |
//! | `findings[]` | what was found before anything is done: `severity` (`error`, `warning`), `hosts[]`, `what`, `fix` |
//! | `left_out[]` | hosts that take no part: `host`, `why` |
use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use slurmdash_installer::action::{Action, Diff};
use slurmdash_installer::finding::Finding;
pub use slurmdash_installer::finding::Severity;
use slurmdash_installer::plan::{Phase, Plan, StepId};
use slurmdash_installer::run::{Preview, PreviewedStep};

/// A plan as it is shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Shown {
    /// What changes, in order.
    pub changes: Vec<Row>,
    /// How many things are as they should be.
    pub same: usize,
    /// How many hosts change.
    pub hosts: usize,
    /// What was found before anything is done.
    pub findings: Vec<Found>,
    /// Hosts that take no part.
    pub left_out: Vec<LeftOut>,
}

/// A change on a host.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The part it belongs to.
    pub phase: Phase,
    /// Title of its stage.
    pub stage: String,
    /// Name of the step.
    pub step: String,
    /// Its host.
    pub host: String,
    /// What it is about.
    pub subject: String,
    /// What changes.
    pub summary: String,
    /// What sort of change it is.
    pub kind: Kind,
    /// What it does to what runs.
    pub disrupts: Option<String>,
    /// What is there was changed by hand.
    pub drift: bool,
    /// A file's text, before and after.
    #[serde(flatten)]
    pub diff: Option<Diff>,
}

/// What sort of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something comes.
    New,
    /// Something that is there changes.
    Changed,
    /// A daemon is started anew, or reads its configuration.
    Restarted,
    /// Nothing changes: something is tried or waited for.
    Awaited,
}

impl Kind {
    /// Of a step, which brings something that was not there or changes what is there.
    pub fn of(action: &Action, is_new: bool) -> Self {
        match action {
            Action::Await(_) => Self::Awaited,
            Action::RestartUnit(_) => Self::Restarted,
            Action::KeepCopy(_) => Self::New,
            _ if is_new => Self::New,
            _ => Self::Changed,
        }
    }

    fn sign(self) -> char {
        match self {
            Self::New => '+',
            Self::Changed => '~',
            Self::Restarted | Self::Awaited => '>',
        }
    }
}

/// Changes of a preview, with the text of files where that is wanted.
pub fn rows(plan: &Plan, preview: &Preview, with_diff: bool) -> Vec<Row> {
    let actions: HashMap<&StepId, &Action> = plan.steps().map(|step| (&step.id, &step.action)).collect();
    let row = |change: &PreviewedStep| {
        let action = actions.get(&change.step);
        let kind = action.map_or(Kind::Changed, |action| Kind::of(action, change.is_new));
        Row {
            phase: change.phase,
            stage: change.stage.clone(),
            step: change.step.0.clone(),
            host: change.host.clone(),
            subject: action.map(|action| action.about()).unwrap_or_default(),
            summary: change.summary.clone(),
            kind,
            disrupts: change.disrupts.clone(),
            drift: change.drift,
            diff: change.diff.clone().filter(|_| with_diff),
        }
    };
    preview.changes.iter().map(row).collect()
}

/// Something that was found, on all hosts where it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// How bad it is.
    pub severity: Severity,
    /// Where; empty when it is of no host.
    pub hosts: Vec<String>,
    /// What is so.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl Found {
    /// Findings of single hosts, those that differ in nothing but their hosts together.
    pub fn fold(findings: &[Finding]) -> Vec<Self> {
        let mut found: Vec<(String, String, Self)> = Vec::new();
        for finding in findings {
            let host = finding.host.as_deref().unwrap_or_default();
            let (what, fix) = (placed(&finding.what, host), placed(&finding.fix, host));
            let same = found.iter_mut().find(|(other_what, other_fix, found)| {
                let is_of_hosts = !host.is_empty() && !found.hosts.is_empty();
                is_of_hosts && found.severity == finding.severity && *other_what == what && *other_fix == fix
            });
            if let Some((.., found)) = same {
                found.hosts.push(host.to_owned());
                continue;
            }
            let hosts = finding.host.iter().cloned().collect();
            let Finding { severity, what: said, fix: mends, .. } = finding.clone();
            found.push((what, fix, Self { severity, hosts, what: said, fix: mends }));
        }
        let all = found.into_iter().map(|(what, fix, found)| {
            if found.hosts.len() < 2 {
                return found;
            }
            let list = hosts(&found.hosts);
            Self { what: what.replace(PLACE, &list), fix: fix.replace(PLACE, &list), ..found }
        });
        all.collect()
    }
}

/// Stands where a host's name was.
pub const PLACE: char = '\0';

/// A text with [`PLACE`] wherever a host's name stands as a word.
pub fn placed(text: &str, host: &str) -> String {
    if host.is_empty() {
        return text.to_owned();
    }
    let is_word = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || "-_.".contains(char));
    let (mut placed, mut rest, mut before) = (String::new(), text, None);
    while let Some(at) = rest.find(host) {
        let (head, tail) = rest.split_at(at);
        let tail = tail.strip_prefix(host).unwrap_or_default();
        before = head.chars().next_back().or(before);
        placed.push_str(head);
        if is_word(before) || is_word(tail.chars().next()) {
            placed.push_str(host);
        } else {
            placed.push(PLACE);
        }
        (rest, before) = (tail, host.chars().next_back());
    }
    placed + rest
}

/// A host that takes no part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub host: String,
    /// Why.
    pub why: String,
}

impl Shown {
    /// Counts the hosts that change.
    pub fn count(&mut self) {
        self.hosts = self.changes.iter().map(|row| row.host.as_str()).collect::<BTreeSet<_>>().len();
    }

    /// Whether something can't be done.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|found| found.severity == Severity::Error)
    }

    /// As JSON, on several lines.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The last line: how many changes there are.
    pub fn counts(&self) -> String {
        let count = |number: usize, one: &str, more: &str| {
            if number == 1 { format!("1 {one}") } else { format!("{number} {more}") }
        };
        let same = count(self.same, "thing is as it should be", "things are as they should be");
        if self.changes.is_empty() && self.has_errors() {
            return "Nothing is planned before the errors above are mended.".to_owned();
        }
        if self.changes.is_empty() {
            return format!("Nothing to do: {same}.");
        }
        let checks = self.changes.iter().filter(|row| row.kind == Kind::Awaited).count();
        let changes = count(self.changes.len() - checks, "change", "changes");
        let checks = if checks == 0 { String::new() } else { format!(" and {}", count(checks, "check", "checks")) };
        format!("{changes}{checks} on {}, {same}.", count(self.hosts, "host", "hosts"))
    }
}

/// Rows of a stage that differ in nothing but their hosts.
pub struct Folded<'a> {
    /// The first of them.
    pub row: &'a Row,
    /// Their hosts, in order.
    pub hosts: Vec<&'a str>,
}

impl Folded<'_> {
    /// `+ node[001-064]: file /etc/munge/munge.key: new, 1024 bytes`, and what must be known before it is done.
    pub fn lines(&self) -> Vec<String> {
        let hosts = hosts(&self.hosts);
        let row = self.row;
        let sign = if row.disrupts.is_some() { '!' } else { row.kind.sign() };
        let drift = if row.drift { " (drift)" } else { "" };
        let mut lines = vec![format!("  {sign} {hosts}: {}: {}{drift}", row.subject, row.summary)];
        if let Some(disrupts) = &row.disrupts {
            lines.push(format!("      disrupts: {}", placed(disrupts, &row.host).replace(PLACE, &hosts)));
        }
        lines
    }

    fn takes(&self, other: &Row) -> bool {
        let disrupts = |row: &Row| row.disrupts.as_ref().map(|text| placed(text, &row.host));
        let row = self.row;
        (row.kind, &row.subject, &row.summary, row.drift) == (other.kind, &other.subject, &other.summary, other.drift)
            && row.diff == other.diff
            && disrupts(row) == disrupts(other)
    }
}

/// Names as a hostlist: `head1,node[001-064]`.
pub fn hosts(names: &[impl AsRef<str>]) -> String {
    crate::slurm::notation::hostlist::compress(names)
}

/// Rows of one stage, those that differ only in their hosts together.
fn fold<'a>(rows: &[&'a Row]) -> Vec<Folded<'a>> {
    let mut folded: Vec<Folded<'a>> = Vec::new();
    // What is the same on many hosts has the same subject; a look at those alone keeps a thousand hosts quick.
    let mut by_subject: HashMap<&str, Vec<usize>> = HashMap::new();
    for row in rows {
        let places = by_subject.entry(&row.subject).or_default();
        if let Some(place) = places.iter().copied().find(|&place| folded[place].takes(row)) {
            folded[place].hosts.push(&row.host);
        } else {
            places.push(folded.len());
            folded.push(Folded { row, hosts: vec![&row.host] });
        }
    }
    folded
}

/// Changes stage by stage, with the stage's phase and title.
pub fn stages(changes: &[Row]) -> Vec<(Phase, &str, Vec<Folded<'_>>)> {
    changes
        .chunk_by(|a, b| (a.phase, &a.stage) == (b.phase, &b.stage))
        .map(|rows| {
            let (phase, title) = (rows[0].phase, rows[0].stage.as_str());
            (phase, title, fold(&rows.iter().collect::<Vec<_>>()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use slurmdash_installer::action::{AddGroup, RestartUnit};
    use slurmdash_installer::plan::{Stage, Step};

    use super::*;

    fn row(host: &str, subject: &str, summary: &str) -> Row {
        Row {
            phase: Phase::Munge,
            stage: "munge key to all hosts".into(),
            step: format!("munge/{host}/{subject}"),
            host: host.into(),
            subject: subject.into(),
            summary: summary.into(),
            kind: Kind::New,
            disrupts: None,
            drift: false,
            diff: None,
        }
    }

    #[test]
    fn hosts_with_the_same_change_are_one_line() {
        let mut rows: Vec<Row> =
            (1..=64).map(|n| row(&format!("node{n:03}"), "file /etc/munge/munge.key", "new, 1024 bytes")).collect();
        rows[9].summary = "another key is there".into();
        rows[20].disrupts = Some("kills running jobs on node021".into());
        rows[21].disrupts = Some("kills running jobs on node022".into());
        let stages = stages(&rows);
        assert_eq!(stages.len(), 1);
        let lines: Vec<String> = stages[0].2.iter().flat_map(Folded::lines).collect();
        assert_eq!(
            lines,
            [
                "  + node[001-009,011-020,023-064]: file /etc/munge/munge.key: new, 1024 bytes",
                "  + node010: file /etc/munge/munge.key: another key is there",
                "  ! node[021-022]: file /etc/munge/munge.key: new, 1024 bytes",
                "      disrupts: kills running jobs on node[021-022]",
            ]
        );
    }

    #[test]
    fn what_differs_in_its_text_is_not_folded() {
        let with = |host: &str, after: &str| Row {
            diff: Some(Diff { before: String::new(), after: after.into() }),
            ..row(host, "file /etc/hosts", "new")
        };
        let rows = [with("a1", "x"), with("a2", "y"), with("a3", "x")];
        let folded: Vec<String> = stages(&rows)[0].2.iter().flat_map(Folded::lines).collect();
        assert_eq!(folded, ["  + a[1,3]: file /etc/hosts: new", "  + a2: file /etc/hosts: new"]);
    }

    #[test]
    fn a_daemon_that_is_started_is_no_restart_in_words() {
        let restart = RestartUnit {
            name: "munge.service".into(),
            reload: false,
            log: None,
            answers_later: false,
            reload_by: Vec::new(),
        };
        let action = Action::RestartUnit(restart);
        assert_eq!(
            (action.about().as_str(), action.sentence("is started").as_str()),
            ("munge.service", "munge.service is started")
        );
        let group = Action::AddGroup(AddGroup { name: "munge".into(), gid: 901 });
        assert_eq!(group.sentence("new, gid 901"), "group munge: new, gid 901");
    }

    #[test]
    fn whether_something_is_new_is_not_read_from_words() {
        let summaries = ["newer release", "1024 bytes"];
        let mut plan = Plan::default();
        let mut preview = Preview::default();
        let mut stage =
            Stage { phase: Phase::Munge, title: "t".into(), steps: Vec::new(), may_be_left_out: Vec::new() };
        for (number, (summary, is_new)) in summaries.into_iter().zip([false, true]).enumerate() {
            let action = Action::AddGroup(AddGroup { name: format!("g{number}"), gid: 901 });
            let step = Step::new(Phase::Munge, "head1", action);
            preview.changes.push(PreviewedStep {
                step: step.id.clone(),
                host: "head1".into(),
                phase: Phase::Munge,
                stage: "t".into(),
                summary: summary.into(),
                is_new,
                diff: None,
                drift: false,
                because: Vec::new(),
                disrupts: None,
                endangers: Vec::new(),
                is_refused: false,
            });
            stage.steps.push(step);
        }
        plan.stages.push(stage);
        let kinds: Vec<Kind> = rows(&plan, &preview, false).iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [Kind::Changed, Kind::New]);
    }

    #[test]
    fn findings_are_folded_by_whole_names() {
        let finding = |host: &str, what: &str| Finding::error(Some(host), what, "mend it");
        let found = Found::fold(&[
            finding("n1", "n1 has n10 and xn1 in /n1/"),
            finding("n2", "n2 has n10 and xn1 in /n2/"),
            finding("n3", "n3 is odd"),
            Finding::warning(None, "n1 has n10", ""),
        ]);
        let words: Vec<_> = found.iter().map(|found| found.what.as_str()).collect();
        assert_eq!(words, ["n[1-2] has n10 and xn1 in /n[1-2]/", "n3 is odd", "n1 has n10"]);
        assert_eq!(found[0].hosts, ["n1", "n2"]);
    }

    #[test]
    fn counts_are_sentences() {
        let mut shown = Shown { changes: vec![row("a", "x", "y"), row("b", "x", "y")], same: 41, ..Shown::default() };
        shown.count();
        assert_eq!(shown.counts(), "2 changes on 2 hosts, 41 things are as they should be.");
        shown.changes[0].kind = Kind::Awaited;
        assert_eq!(shown.counts(), "1 change and 1 check on 2 hosts, 41 things are as they should be.");
        let nothing = Shown { same: 1, ..Shown::default() };
        assert_eq!(nothing.counts(), "Nothing to do: 1 thing is as it should be.");
    }
}
