//! sbatch's options: those in a script's `#SBATCH` lines, and over them those of the submission.
//!
//! Only what the simulated cluster can do is taken. Options that would change nothing here (mail, accounting, binding)
//! are passed over; one that would change when or whether a job runs and is not simulated is refused in words rather
//! than ignored. Source: sbatch(1).

use crate::slurm::{SlurmError, Submission, submission};

use super::refused;

/// The options as text, by sbatch's long names; later ones win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `--job-name`
    pub name: Option<String>,
    /// `--partition`
    pub partition: Option<String>,
    /// `--account`
    pub account: Option<String>,
    /// `--qos`
    pub qos: Option<String>,
    /// `--nodes`
    pub nodes: Option<String>,
    /// `--ntasks`
    pub tasks: Option<String>,
    /// `--ntasks-per-node`
    pub tasks_per_node: Option<String>,
    /// `--cpus-per-task`
    pub cpus_per_task: Option<String>,
    /// `--mem`
    pub memory: Option<String>,
    /// `--mem-per-cpu`
    pub memory_per_cpu: Option<String>,
    /// `--gres`, or `--gpus-per-node` as a gres
    pub gres: Option<String>,
    /// `--gpus`
    pub gpus: Option<String>,
    /// `--time`
    pub time: Option<String>,
    /// `--array`
    pub array: Option<String>,
    /// `--constraint`
    pub constraint: Option<String>,
    /// `--dependency`
    pub dependency: Option<String>,
    /// `--begin`
    pub begin: Option<String>,
    /// `--reservation`
    pub reservation: Option<String>,
    /// `--comment`
    pub comment: Option<String>,
    /// `--nice`
    pub nice: Option<String>,
    /// `--hold`
    pub hold: bool,
    /// `--output`
    pub output: Option<String>,
    /// `--error`
    pub error: Option<String>,
    /// `--chdir`
    pub chdir: Option<String>,
    /// `--open-mode=append`
    pub append: bool,
    /// `--exclusive`
    pub exclusive: bool,
}

/// Options with a value that change nothing on the simulated cluster.
const WITH_VALUE_WITHOUT_EFFECT: &[&str] = &[
    "acctg-freq",
    "bb",
    "bbf",
    "core-spec",
    "cores-per-socket",
    "cpu-freq",
    "cpus-per-gpu",
    "distribution",
    "exclude",
    "export",
    "extra-node-info",
    "gpu-bind",
    "gpu-freq",
    "gpus-per-task",
    "hint",
    "input",
    "licenses",
    "mail-type",
    "mail-user",
    "mem-bind",
    "mem-per-gpu",
    "mincpus",
    "network",
    "nodelist",
    "ntasks-per-core",
    "ntasks-per-gpu",
    "ntasks-per-socket",
    "priority",
    "profile",
    "propagate",
    "signal",
    "sockets-per-node",
    "switches",
    "thread-spec",
    "threads-per-core",
    "time-min",
    "tmp",
    "wckey",
];

/// Options without a value that change nothing on the simulated cluster.
const WITHOUT_EFFECT: &[&str] = &[
    "contiguous",
    "get-user-env",
    "ignore-pbs",
    "kill-on-invalid-dep",
    "no-kill",
    "no-requeue",
    "overcommit",
    "oversubscribe",
    "parsable",
    "quiet",
    "requeue",
    "spread-job",
    "use-min-nodes",
    "verbose",
    "wait-all-nodes",
];

/// Options that would change when or whether the job runs.
const NOT_SIMULATED: &[&str] = &[
    "burst-buffer",
    "clusters",
    "container",
    "deadline",
    "delay-boot",
    "gid",
    "mcs-label",
    "reboot",
    "uid",
    "wait",
    "wrap",
];

const SHORT: &[(char, &str)] = &[
    ('A', "account"),
    ('B', "extra-node-info"),
    ('C', "constraint"),
    ('D', "chdir"),
    ('G', "gpus"),
    ('H', "hold"),
    ('J', "job-name"),
    ('L', "licenses"),
    ('M', "clusters"),
    ('N', "nodes"),
    ('O', "overcommit"),
    ('Q', "quiet"),
    ('S', "core-spec"),
    ('W', "wait"),
    ('a', "array"),
    ('b', "begin"),
    ('c', "cpus-per-task"),
    ('d', "dependency"),
    ('e', "error"),
    ('i', "input"),
    ('k', "no-kill"),
    ('m', "distribution"),
    ('n', "ntasks"),
    ('o', "output"),
    ('p', "partition"),
    ('q', "qos"),
    ('s', "oversubscribe"),
    ('t', "time"),
    ('v', "verbose"),
    ('w', "nodelist"),
    ('x', "exclude"),
];

impl Options {
    /// The options of the script's `#SBATCH` lines, which end at its first command.
    pub fn of_script(script: &str) -> Result<Options, SlurmError> {
        let mut options = Options::default();
        for line in submission::directives(script) {
            // A word that begins with # starts a comment, as in a shell.
            let words = shlex::split(line).ok_or_else(|| refused(format!("Unable to parse #SBATCH{line}")))?;
            options.read(words)?;
        }
        Ok(options)
    }

    fn read(&mut self, words: Vec<String>) -> Result<(), SlurmError> {
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (name, value) = if let Some(long) = word.strip_prefix("--") {
                match long.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (long.to_owned(), None),
                }
            } else {
                let mut letters = word.strip_prefix('-').unwrap_or_default().chars();
                let long = letters.next().and_then(|letter| SHORT.iter().find(|(short, _)| *short == letter));
                let (_, long) = long.ok_or_else(|| refused(format!("unrecognized option '{word}'")))?;
                let value = letters.as_str();
                let value = value.strip_prefix('=').unwrap_or(value);
                ((*long).to_owned(), (!value.is_empty()).then(|| value.to_owned()))
            };
            match name.as_str() {
                "exclusive" => self.exclusive = true,
                "hold" => self.hold = true,
                // The value is optional, and then part of the word: sbatch(1), `--nice[=adjustment]`.
                "nice" => self.nice = Some(value.unwrap_or_else(|| "100".to_owned())),
                name if WITHOUT_EFFECT.contains(&name) => {}
                name if NOT_SIMULATED.contains(&name) => {
                    return Err(refused(format!("--{name} is not available on the simulated cluster")));
                }
                name => {
                    let slot = self.slot(name)?;
                    let value = value.or_else(|| words.next());
                    let value = value.ok_or_else(|| refused(format!("option '--{name}' requires an argument")))?;
                    match slot {
                        Slot::Keep(slot) => *slot = Some(value),
                        Slot::Append => self.append = value.starts_with(['a', 'A']),
                        Slot::GpusPerNode => self.gres = Some(format!("gpu:{value}")),
                        Slot::Drop => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn slot(&mut self, name: &str) -> Result<Slot<'_>, SlurmError> {
        Ok(Slot::Keep(match name {
            "job-name" => &mut self.name,
            "partition" => &mut self.partition,
            "account" => &mut self.account,
            "qos" => &mut self.qos,
            "nodes" => &mut self.nodes,
            "ntasks" => &mut self.tasks,
            "ntasks-per-node" | "tasks-per-node" => &mut self.tasks_per_node,
            "cpus-per-task" => &mut self.cpus_per_task,
            "mem" => &mut self.memory,
            "mem-per-cpu" => &mut self.memory_per_cpu,
            "gres" => &mut self.gres,
            "gpus" => &mut self.gpus,
            "time" => &mut self.time,
            "array" => &mut self.array,
            "constraint" => &mut self.constraint,
            "dependency" => &mut self.dependency,
            "begin" => &mut self.begin,
            "reservation" => &mut self.reservation,
            "comment" => &mut self.comment,
            "output" => &mut self.output,
            "error" => &mut self.error,
            "chdir" => &mut self.chdir,
            "open-mode" => return Ok(Slot::Append),
            "gpus-per-node" => return Ok(Slot::GpusPerNode),
            name if WITH_VALUE_WITHOUT_EFFECT.contains(&name) => return Ok(Slot::Drop),
            name => return Err(refused(format!("unrecognized option '--{name}'"))),
        }))
    }

    /// Puts the submission's settings over the script's.
    pub fn overlay(mut self, submission: &Submission) -> Options {
        let asked = &submission.settings;
        let text = |number: Option<u32>| number.map(|number| number.to_string());
        self.name = Some(asked.name.clone());
        self.partition = asked.partition.clone().or(self.partition);
        self.account = asked.account.clone().or(self.account);
        self.qos = asked.qos.clone().or(self.qos);
        self.nodes = text(asked.nodes).or(self.nodes);
        self.tasks = text(asked.tasks).or(self.tasks);
        self.tasks_per_node = text(asked.tasks_per_node).or(self.tasks_per_node);
        self.cpus_per_task = text(asked.cpus_per_task).or(self.cpus_per_task);
        self.memory = asked.memory.map(|memory| memory.to_string()).or(self.memory);
        self.memory_per_cpu = asked.memory_per_cpu.map(|memory| memory.to_string()).or(self.memory_per_cpu);
        if let Some(gpus) = asked.gpus {
            self.gres = Some(format!("gpu:{gpus}"));
            self.gpus = None;
        }
        self.time = asked.time.clone().or(self.time);
        self.array = asked.array.clone().or(self.array);
        self.constraint = asked.constraint.clone().or(self.constraint);
        self.dependency = asked.dependency.clone().or(self.dependency);
        self.begin = asked.begin.clone().or(self.begin);
        self.reservation = asked.reservation.clone().or(self.reservation);
        self.comment = Some(submission.comment());
        self.output = Some(submission.stdout.to_string_lossy().into_owned());
        self.error = submission.stderr.as_ref().map(|path| path.to_string_lossy().into_owned()).or(self.error);
        self.chdir = Some(submission.work_dir.to_string_lossy().into_owned());
        self
    }
}

/// Where an option's value goes.
enum Slot<'a> {
    Keep(&'a mut Option<String>),
    Append,
    GpusPerNode,
    Drop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_way_of_writing() {
        let script = "#!/bin/bash\n# a comment\n#SBATCH --job-name=\"two words\" # why\n#SBATCH -N2 -n 4\n\n#SBATCH -c=2\n\
            #SBATCH --time 1:00:00\n#SBATCH --exclusive --gpus-per-node=2 --mail-type=END\n##SBATCH --mem=1\n\
            echo hi\n#SBATCH --partition=late\n";
        let options = Options::of_script(script).unwrap();
        assert_eq!(options.name.as_deref(), Some("two words"));
        assert_eq!(options.nodes.as_deref(), Some("2"));
        assert_eq!(options.tasks.as_deref(), Some("4"));
        assert_eq!(options.cpus_per_task.as_deref(), Some("2"));
        assert_eq!(options.time.as_deref(), Some("1:00:00"));
        assert_eq!(options.gres.as_deref(), Some("gpu:2"));
        assert!(options.exclusive);
        assert_eq!(options.memory, None, "## is a comment");
        assert_eq!(options.partition, None, "after the first command nothing counts");
    }

    #[test]
    fn refuses_what_it_does_not_know_or_simulate() {
        for (line, words) in [
            ("--nonsense=1", "unrecognized option '--nonsense'"),
            ("-Z", "unrecognized option '-Z'"),
            ("word", "unrecognized option 'word'"),
            ("--deadline=now+1hour", "--deadline is not available on the simulated cluster"),
            ("--nodes", "option '--nodes' requires an argument"),
            ("--job-name='open", "Unable to parse"),
        ] {
            let error = Options::of_script(&format!("#!/bin/sh\n#SBATCH {line}\n")).unwrap_err();
            assert!(error.to_string().contains(words), "{line}: {error}");
        }
    }
}
