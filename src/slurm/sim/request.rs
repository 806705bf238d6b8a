//! From a submission to a checked request, with refusals in sbatch's own words.
//!
//! Source of the words: what sbatch of Slurm 22.05 prints; of the rules: sbatch(1).

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use slurmdash_api::UnixSeconds;

use crate::slurm::notation::array::{self, Array};
use crate::slurm::notation::begin::Begin;
use crate::slurm::notation::{duration, memory, tres};
use crate::slurm::{SlurmError, Submission};

use super::dependency::Dependencies;
use super::hardware::{MAX_ARRAY_SIZE, MEMORY_PER_CPU, NODES, PARTITIONS, PartitionKind};
use super::options::Options;
use super::refused;
use super::schedule::{Free, Memory, Shape, place};

/// A job that the cluster can run, some day.
#[derive(Debug)]
pub struct Request {
    /// Job name.
    pub name: String,
    /// Its partition.
    pub partition: &'static PartitionKind,
    /// Account.
    pub account: Option<String>,
    /// QOS.
    pub qos: Option<String>,
    /// What it needs.
    pub shape: Shape,
    /// Nodes it gets at least.
    pub fewest_nodes: u32,
    /// Time limit, seconds.
    pub time_limit: u64,
    /// The array it is.
    pub array: Option<Array>,
    /// Working directory.
    pub work_dir: PathBuf,
    /// Standard output's pattern.
    pub stdout: String,
    /// Standard error's pattern, when it goes elsewhere.
    pub stderr: Option<String>,
    /// Whether the output files are kept and added to.
    pub append: bool,
    /// The script.
    pub script: Arc<str>,
    /// Features its nodes must have, as they were asked for.
    pub constraint: Option<String>,
    /// What it waits for.
    pub dependencies: Dependencies,
    /// The same, as it was asked for.
    pub dependency: Option<String>,
    /// Earliest start.
    pub not_before: Option<UnixSeconds>,
    /// Its comment.
    pub comment: String,
    /// Nice value.
    pub nice: i64,
    /// Whether it is held from the beginning.
    pub hold: bool,
    /// Environment variables of its own.
    pub environment: Vec<(String, String)>,
}

impl Request {
    /// Checks a submission as sbatch and slurmctld would.
    pub fn check(submission: &Submission, now: UnixSeconds) -> Result<Request, SlurmError> {
        check_script(&submission.script)?;
        let options = Options::of_script(&submission.script)?.overlay(submission);
        let name = options.name.clone().unwrap_or_default();
        if name.contains('\0') {
            return Err(refused("Job name contains a NUL character"));
        }
        let partition = partition(options.partition.as_deref())?;
        let array = options
            .array
            .as_deref()
            .map(|text| array::parse(text, MAX_ARRAY_SIZE))
            .transpose()
            .map_err(|_| failed("Invalid job array specification"))?;
        if options.reservation.is_some() {
            // There is none.
            return Err(failed("Requested reservation is invalid"));
        }
        let only = options.constraint.as_deref().map(nodes_with).transpose()?;
        let shape = Shape { only, ..shape(&options)? };
        let dependencies = options.dependency.as_deref().map(Dependencies::parse).transpose()?.unwrap_or_default();
        let not_before = options.begin.as_deref().map(|begin| begins(begin, now)).transpose()?.flatten();
        let fewest_nodes = check_fit(&shape, partition)?;
        Ok(Request {
            name,
            partition,
            account: options.account,
            qos: options.qos,
            shape,
            fewest_nodes,
            time_limit: time_limit(options.time.as_deref(), partition)?,
            array,
            work_dir: options.chdir.map(PathBuf::from).unwrap_or_default(),
            stdout: options.output.unwrap_or_default(),
            stderr: options.error,
            append: options.append,
            script: submission.script.as_str().into(),
            constraint: options.constraint,
            dependencies,
            dependency: options.dependency,
            not_before,
            comment: options.comment.unwrap_or_default(),
            nice: nice(options.nice.as_deref())?,
            hold: options.hold,
            environment: submission.settings.environment.clone().into_iter().collect(),
        })
    }
}

/// What slurmctld refuses.
pub fn failed(words: &str) -> SlurmError {
    refused(format!("Batch job submission failed: {words}"))
}

/// The nodes that have the features asked for: `a&b|c`. Counts and groups in brackets are not simulated.
fn nodes_with(constraint: &str) -> Result<Vec<usize>, SlurmError> {
    let known = |feature: &str| NODES.iter().any(|node| node.features.contains(&feature));
    if !constraint.split(['|', '&', ',']).all(known) {
        return Err(failed("Invalid feature specification"));
    }
    let fits = |features: &[&str]| {
        constraint.split('|').any(|all| all.split(['&', ',']).all(|feature| features.contains(&feature)))
    };
    Ok((0..NODES.len()).filter(|nth| fits(NODES[*nth].features)).collect())
}

fn begins(text: &str, now: UnixSeconds) -> Result<Option<UnixSeconds>, SlurmError> {
    let begin = Begin::parse(text)
        .map_err(|_| refused(format!("Invalid time specification (pos=0): {text}\nInvalid --begin specification")))?;
    Ok(begin.instant(now, &TimeZone::system()).filter(|at| *at > now))
}

/// Source: sbatch(1), `--nice`.
fn nice(text: Option<&str>) -> Result<i64, SlurmError> {
    let nice = text.map_or(Some(0), |text| text.parse().ok());
    nice.filter(|nice: &i64| nice.unsigned_abs() <= 2_147_483_645)
        .ok_or_else(|| refused("Invalid --nice specification"))
}

fn check_script(script: &str) -> Result<(), SlurmError> {
    if script.is_empty() {
        return Err(refused("Batch script is empty!"));
    }
    if script.trim().is_empty() {
        return Err(refused("Batch script contains only whitespace!"));
    }
    if !script.starts_with("#!") {
        return Err(refused(
            "This does not look like a batch script.  The first\nline must start with #! followed by the path to an \
             interpreter.\nFor instance: #!/bin/sh",
        ));
    }
    if script.contains('\0') {
        return Err(refused("The SLURM controller does not allow scripts that\ncontain a NULL character '\\0'."));
    }
    if script.contains("\r\n") {
        return Err(refused(
            "Batch script contains DOS line breaks (\\r\\n)\ninstead of expected UNIX line breaks (\\n).",
        ));
    }
    Ok(())
}

fn partition(name: Option<&str>) -> Result<&'static PartitionKind, SlurmError> {
    let Some(name) = name else { return Ok(&PARTITIONS[0]) };
    PARTITIONS.iter().find(|partition| partition.name == name).ok_or_else(|| {
        refused(format!(
            "invalid partition specified: {name}\nBatch job submission failed: Invalid partition name specified"
        ))
    })
}

/// A number of an option that must be at least 1.
fn count<N: FromStr + PartialOrd + From<u8>>(option: &str, value: Option<&str>) -> Result<Option<N>, SlurmError> {
    value
        .map(|text| {
            let number = text.trim().parse::<N>().ok().filter(|number| *number >= N::from(1));
            number.ok_or_else(|| refused(format!("Invalid numeric value \"{text}\" for --{option}.")))
        })
        .transpose()
}

fn shape(options: &Options) -> Result<Shape, SlurmError> {
    // `--nodes=2-4` asks for two at least; the simulation gives exactly that.
    let nodes = options.nodes.as_deref().map(|text| text.split_once('-').map_or(text, |(least, _)| least));
    let nodes = match nodes {
        Some(text) if text.parse::<u32>().is_ok_and(|n| n > 0) => text.parse::<u32>().ok(),
        Some(_) => {
            let text = options.nodes.as_deref().unwrap_or_default();
            return Err(refused(format!("invalid number of nodes (-N {text})\nInvalid node count: {text}")));
        }
        None => None,
    };
    let tasks_per_node = count::<u32>("ntasks-per-node", options.tasks_per_node.as_deref())?;
    let tasks = count::<u32>("ntasks", options.tasks.as_deref())?;
    let cpus_per_task = count::<u32>("cpus-per-task", options.cpus_per_task.as_deref())?.unwrap_or(1);
    let asked = tasks.unwrap_or_else(|| nodes.unwrap_or(1).saturating_mul(tasks_per_node.unwrap_or(1)));
    // sbatch lowers the nodes to the tasks where there are fewer: "can't run 1 processes on 2 nodes".
    let nodes = nodes.map(|nodes| nodes.min(asked));
    Ok(Shape {
        nodes,
        tasks: asked,
        cpus_per_task,
        tasks_per_node,
        memory: memory_of(options)?,
        gpus: gpus_per_node(options, nodes.unwrap_or(1))?,
        exclusive: options.exclusive,
        only: None,
    })
}

fn memory_of(options: &Options) -> Result<Memory, SlurmError> {
    let size = |option: &str, text: &str| {
        memory::parse(text).map_err(|_| refused(format!("Invalid --{option} specification")))
    };
    match (&options.memory, &options.memory_per_cpu) {
        (Some(_), Some(_)) => Err(refused("--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive.")),
        (Some(memory), None) => Ok(Memory::PerNode(size("mem", memory)?)),
        (None, Some(memory)) => Ok(Memory::PerCpu(size("mem-per-cpu", memory)?)),
        (None, None) => Ok(Memory::PerCpu(MEMORY_PER_CPU)),
    }
}

fn gpus_per_node(options: &Options, nodes: u32) -> Result<u32, SlurmError> {
    if let Some(gres) = &options.gres {
        let other = gres.split(',').any(|item| !item.starts_with("gpu") && item != "none");
        let gpus = tres::gpus(gres);
        if other || (gpus == 0 && gres != "gpu:0" && gres != "none") {
            return Err(failed("Invalid generic resource (gres) specification"));
        }
        return Ok(gpus);
    }
    // `--gpus=2` or `--gpus=type:2` counts over all nodes.
    let total = options.gpus.as_deref().map(|text| text.rsplit(':').next().unwrap_or(text));
    Ok(count::<u32>("gpus", total)?.unwrap_or(0).div_ceil(nodes.max(1)))
}

/// Refuses what even an empty cluster has no room for; answers the nodes it takes at least.
fn check_fit(shape: &Shape, partition: &PartitionKind) -> Result<u32, SlurmError> {
    let empty: Vec<Free> = NODES.iter().map(super::hardware::NodeKind::free).collect();
    if let Some(shares) = place(shape, partition.nodes.clone(), &empty) {
        return Ok(u32::try_from(shares.len()).unwrap_or(u32::MAX));
    }
    let largest = NODES[partition.nodes.clone()].iter();
    if shape.nodes.is_some_and(|nodes| nodes as usize > partition.nodes.len()) {
        return Err(failed("Node count specification invalid"));
    }
    if matches!(shape.memory, Memory::PerNode(memory) if largest.clone().all(|node| node.memory < memory)) {
        return Err(refused(
            "Memory specification can not be satisfied\nBatch job submission failed: Requested node configuration is \
             not available",
        ));
    }
    if largest.clone().all(|node| node.cpus < shape.cpus_per_task) {
        return Err(refused(
            "CPU count per node can not be satisfied\nBatch job submission failed: Requested node configuration is not \
             available",
        ));
    }
    Err(failed("Requested node configuration is not available"))
}

fn time_limit(text: Option<&str>, partition: &PartitionKind) -> Result<u64, SlurmError> {
    let Some(text) = text else {
        return Ok(partition.default_time);
    };
    let limit = duration::parse_limit(text).map_err(|_| refused("Invalid --time specification"))?;
    limit
        .filter(|seconds| *seconds <= partition.max_time)
        .ok_or_else(|| failed("Requested time limit is invalid (missing or exceeds some limit)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::Settings;

    fn submission(script: &str) -> Submission {
        let settings = Settings { name: "test".to_owned(), ..Settings::default() };
        Submission { script: script.to_owned(), settings, work_dir: PathBuf::from("/tmp"), ..Submission::default() }
    }

    fn check(script: &str, change: impl FnOnce(&mut Settings)) -> Result<Request, SlurmError> {
        let mut asked = submission(script);
        change(&mut asked.settings);
        Request::check(&asked, 100)
    }

    #[test]
    fn the_submission_wins_over_the_script() {
        let script = "#!/bin/sh\n#SBATCH --ntasks=3 --time=5 --partition=viz --mem=1G --job-name=other\n";
        let request = check(script, |s| s.tasks = Some(2)).unwrap();
        assert_eq!((request.shape.tasks, request.time_limit), (2, 300));
        assert_eq!((request.partition.name, request.name.as_str()), ("viz", "test"));
        assert_eq!(request.shape.memory, Memory::PerNode(1024));
    }

    #[test]
    fn defaults_are_the_partitions() {
        let request = check("#!/bin/sh\n", |_| ()).unwrap();
        assert_eq!((request.partition.name, request.time_limit, request.fewest_nodes), ("compute", 3600, 1));
        assert_eq!((request.shape.tasks, request.shape.nodes), (1, None));
    }

    #[test]
    fn fewer_tasks_than_nodes_lower_the_nodes() {
        let fewer = check("#!/bin/sh\n", |s| (s.nodes, s.tasks) = (Some(3), Some(2))).unwrap();
        assert_eq!(fewer.shape.nodes, Some(2));
        let each = check("#!/bin/sh\n#SBATCH --ntasks-per-node=2\n", |s| s.nodes = Some(3)).unwrap();
        assert_eq!(each.shape.tasks, 6);
    }

    type Change = fn(&mut Submission);

    #[test]
    fn refuses_in_slurms_words() {
        let cases: [(Change, &str); 25] = [
            (|s| s.script.clear(), "Batch script is empty!"),
            (|s| s.script = " \n".into(), "only whitespace"),
            (|s| s.script = "echo hi\n".into(), "This does not look like a batch script"),
            (|s| s.script = "#!/bin/sh\r\necho hi\r\n".into(), "DOS line breaks"),
            (|s| s.script.push('\0'), "NULL character"),
            (|s| s.script.push_str("#SBATCH --gres=fpga:1\n"), "Invalid generic resource"),
            (|s| s.settings.name = "a\0b".into(), "NUL character"),
            (|s| s.settings.partition = Some("x".into()), "Invalid partition name specified"),
            (|s| s.settings.nodes = Some(5), "Node count specification invalid"),
            (|s| s.settings.nodes = Some(0), "invalid number of nodes"),
            (|s| s.settings.tasks = Some(0), "Invalid numeric value"),
            (|s| s.settings.tasks = Some(65), "Requested node configuration is not available"),
            (
                |s| (s.settings.tasks, s.settings.nodes) = (Some(u32::MAX), Some(4)),
                "Requested node configuration is not available",
            ),
            (|s| s.settings.cpus_per_task = Some(17), "CPU count per node can not be satisfied"),
            (|s| s.settings.memory = Some(1 << 40), "Memory specification can not be satisfied"),
            (|s| s.settings.gpus = Some(1), "Requested node configuration is not available"),
            (|s| s.settings.time = Some("soon".into()), "Invalid --time specification"),
            (|s| s.settings.time = Some("100-0".into()), "Requested time limit is invalid"),
            (|s| s.settings.array = Some("1-5000".into()), "Invalid job array specification"),
            (|s| s.settings.constraint = Some("viz".into()), "Requested node configuration is not available"),
            (|s| s.settings.constraint = Some("viz&no-such".into()), "Invalid feature specification"),
            (|s| s.settings.dependency = Some("afterwards:1".into()), "Job dependency problem"),
            (|s| s.settings.reservation = Some("r".into()), "Requested reservation is invalid"),
            (|s| s.settings.begin = Some("soon".into()), "Invalid --begin specification"),
            (|s| (s.settings.memory, s.settings.memory_per_cpu) = (Some(1), Some(1)), "mutually exclusive"),
        ];
        for (change, words) in cases {
            let mut asked = submission("#!/bin/sh\n");
            change(&mut asked);
            match Request::check(&asked, 100) {
                Err(SlurmError::Refused { message }) => assert!(message.contains(words), "{message}"),
                other => panic!("{words}: {other:?}"),
            }
        }
    }
}
