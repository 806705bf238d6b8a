//! What is handed to sbatch.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// One submission. Every field becomes an argument or variable of its own, or the script on standard input; nothing
/// goes through a shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submission {
    /// The whole script, `#!` line first. Its `#SBATCH` lines count where no field below says otherwise.
    pub script: String,
    /// What is asked for.
    pub settings: Settings,
    /// Working directory, absolute; exists already.
    pub work_dir: PathBuf,
    /// Standard output's path pattern (`%j`, `%A`, `%a`, `%x` as in sbatch(1)).
    pub stdout: PathBuf,
    /// Standard error's path pattern; the script's own word, else together with standard output when `None`.
    pub stderr: Option<PathBuf>,
    /// A random word of letters and digits that goes into the job's comment as `slurmdash:<mark>`, after the comment
    /// that the script itself asks for, so that [`super::Slurm::find`] can tell what became of a submission whose
    /// answer was lost.
    pub mark: String,
}

/// The settings of one job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Job name.
    pub name: String,
    /// Partition; Slurm's default one when `None`.
    pub partition: Option<String>,
    /// Account to charge.
    pub account: Option<String>,
    /// QOS.
    pub qos: Option<String>,
    /// Nodes.
    pub nodes: Option<u32>,
    /// Tasks over all nodes.
    pub tasks: Option<u32>,
    /// Tasks on each node.
    pub tasks_per_node: Option<u32>,
    /// CPUs of each task.
    pub cpus_per_task: Option<u32>,
    /// Memory on each node, MiB.
    pub memory: Option<u64>,
    /// Memory for each CPU, MiB; not together with `memory`.
    pub memory_per_cpu: Option<u64>,
    /// GPUs on each node.
    pub gpus: Option<u32>,
    /// Time limit as sbatch takes it.
    pub time: Option<String>,
    /// Array indices as sbatch takes them.
    pub array: Option<String>,
    /// Features the nodes must have, as sbatch takes them.
    pub constraint: Option<String>,
    /// What must have happened first, as sbatch takes it.
    pub dependency: Option<String>,
    /// Earliest start, as sbatch takes it.
    pub begin: Option<String>,
    /// Reservation.
    pub reservation: Option<String>,
    /// When Slurm writes mail, as sbatch takes it.
    pub mail_type: Option<String>,
    /// Whom it writes to.
    pub mail_user: Option<String>,
    /// Working directory that was asked for: absolute.
    pub work_dir: Option<String>,
    /// Standard output's file that was asked for; relative to the working directory.
    pub output: Option<String>,
    /// Standard error's file that was asked for; relative to the working directory.
    pub error: Option<String>,
    /// Environment variables besides the person's own.
    pub environment: BTreeMap<String, String>,
}

impl Submission {
    /// The comment of the job: the script's own words and the mark.
    pub fn comment(&self) -> String {
        let mark = word_of(&self.mark);
        match own_comment(&self.script).filter(|own| !own.trim().is_empty()) {
            Some(own) => format!("{own} {mark}"),
            None => mark,
        }
    }
}

/// A mark as it stands in a comment.
fn word_of(mark: &str) -> String {
    format!("slurmdash:{mark}")
}

/// Whether a comment holds a mark, as a word of its own.
pub fn holds(comment: &str, mark: &str) -> bool {
    !mark.is_empty() && comment.split_whitespace().any(|word| word.strip_prefix("slurmdash:") == Some(mark))
}

/// The comment that a script's own `#SBATCH` lines ask for; the last one counts.
fn own_comment(script: &str) -> Option<String> {
    let mut comment = None;
    for line in directives(script) {
        let mut words = shlex::split(line).unwrap_or_default().into_iter();
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some(("--comment", value)) => comment = Some(value.to_owned()),
                None if word == "--comment" => comment = words.next(),
                _ => {}
            }
        }
    }
    comment.filter(|comment| !comment.chars().any(char::is_control))
}

/// What follows `#SBATCH` in the lines that sbatch reads: those before the script's first command.
pub fn directives(script: &str) -> impl Iterator<Item = &str> {
    let head = script.lines().take_while(|line| line.trim_start().starts_with('#') || line.trim().is_empty());
    head.filter_map(|line| line.strip_prefix("#SBATCH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(script: &str) -> String {
        Submission { script: script.to_owned(), mark: "0a1b".to_owned(), ..Submission::default() }.comment()
    }

    #[test]
    fn a_scripts_own_comment_is_kept() {
        assert_eq!(comment("#!/bin/sh\necho\n#SBATCH --comment=late\n"), "slurmdash:0a1b");
        let own = "#!/bin/sh\n#SBATCH --comment=first\n# why\n#SBATCH -N1 --comment \"two words\" # not this\necho\n";
        assert_eq!(comment(own), "two words slurmdash:0a1b");
        assert_eq!(comment("#!/bin/sh\n#SBATCH --comment='open\n"), "slurmdash:0a1b");
        assert_eq!(comment("#!/bin/sh\n#SBATCH --comment\n"), "slurmdash:0a1b");
    }

    #[test]
    fn a_mark_is_found_as_a_whole_word_only() {
        assert!(holds("two words slurmdash:0a1b", "0a1b") && holds("slurmdash:0a1b", "0a1b"));
        for (comment, mark) in [("slurmdash:0a1bc", "0a1b"), ("xslurmdash:0a1b", "0a1b"), ("slurmdash:", ""), ("", "a")]
        {
            assert!(!holds(comment, mark), "{comment} {mark}");
        }
    }
}
