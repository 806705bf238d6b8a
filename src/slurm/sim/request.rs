//! From a submission to a checked request, with refusals in sbatch's own words.
//!
//! Source of the words: what sbatch of Slurm 22.05 prints; of the rules: sbatch(1).

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::slurm::notation::array::{self, Array};
use crate::slurm::notation::{duration, memory, tres};
use crate::slurm::{SlurmError, Submission};

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
}

impl Request {
    /// Checks a submission as sbatch and slurmctld would.
    pub fn check(submission: &Submission) -> Result<Request, SlurmError> {
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
        let shape = shape(&options)?;
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
        })
    }
}

fn failed(words: &str) -> SlurmError {
    refused(format!("Batch job submission failed: {words}"))
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
    })
}

fn memory_of(options: &Options) -> Result<Memory, SlurmError> {
    let size = |option: &str, text: &str| {
        memory::parse(text).map_err(|_| refused(format!("Invalid --{option} specification")))
    };
    match (&options.memory, &options.memory_per_cpu) {
        (Some(memory), _) => Ok(Memory::PerNode(size("mem", memory)?)),
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

    fn submission(script: &str) -> Submission {
        Submission {
            script: script.to_owned(),
            name: "test".to_owned(),
            partition: None,
            account: None,
            qos: None,
            nodes: None,
            tasks: None,
            cpus_per_task: None,
            memory: None,
            gpus: None,
            time: None,
            array: None,
            work_dir: PathBuf::from("/tmp"),
            stdout: PathBuf::from("out"),
        }
    }

    #[test]
    fn the_submission_wins_over_the_script() {
        let script = "#!/bin/sh\n#SBATCH --ntasks=3 --time=5 --partition=viz --mem=1G --job-name=other\n";
        let request = Request::check(&Submission { tasks: Some(2), ..submission(script) }).unwrap();
        assert_eq!((request.shape.tasks, request.time_limit), (2, 300));
        assert_eq!((request.partition.name, request.name.as_str()), ("viz", "test"));
        assert_eq!(request.shape.memory, Memory::PerNode(1024));
    }

    #[test]
    fn defaults_are_the_partitions() {
        let request = Request::check(&submission("#!/bin/sh\n")).unwrap();
        assert_eq!((request.partition.name, request.time_limit, request.fewest_nodes), ("compute", 3600, 1));
        assert_eq!((request.shape.tasks, request.shape.nodes), (1, None));
    }

    #[test]
    fn fewer_tasks_than_nodes_lower_the_nodes() {
        let asked = Submission { nodes: Some(3), tasks: Some(2), ..submission("#!/bin/sh\n") };
        assert_eq!(Request::check(&asked).unwrap().shape.nodes, Some(2));
        let asked = Submission { nodes: Some(3), ..submission("#!/bin/sh\n#SBATCH --ntasks-per-node=2\n") };
        assert_eq!(Request::check(&asked).unwrap().shape.tasks, 6);
    }

    type Change = fn(&mut Submission);

    #[test]
    fn refuses_in_slurms_words() {
        let cases: [(Change, &str); 19] = [
            (|s| s.script.clear(), "Batch script is empty!"),
            (|s| s.script = " \n".into(), "only whitespace"),
            (|s| s.script = "echo hi\n".into(), "This does not look like a batch script"),
            (|s| s.script = "#!/bin/sh\r\necho hi\r\n".into(), "DOS line breaks"),
            (|s| s.script.push('\0'), "NULL character"),
            (|s| s.script.push_str("#SBATCH --gres=fpga:1\n"), "Invalid generic resource"),
            (|s| s.name = "a\0b".into(), "NUL character"),
            (|s| s.partition = Some("x".into()), "Invalid partition name specified"),
            (|s| s.nodes = Some(5), "Node count specification invalid"),
            (|s| s.nodes = Some(0), "invalid number of nodes"),
            (|s| s.tasks = Some(0), "Invalid numeric value"),
            (|s| s.tasks = Some(65), "Requested node configuration is not available"),
            (|s| (s.tasks, s.nodes) = (Some(u32::MAX), Some(4)), "Requested node configuration is not available"),
            (|s| s.cpus_per_task = Some(17), "CPU count per node can not be satisfied"),
            (|s| s.memory = Some(1 << 40), "Memory specification can not be satisfied"),
            (|s| s.gpus = Some(1), "Requested node configuration is not available"),
            (|s| s.time = Some("soon".into()), "Invalid --time specification"),
            (|s| s.time = Some("100-0".into()), "Requested time limit is invalid"),
            (|s| s.array = Some("1-5000".into()), "Invalid job array specification"),
        ];
        for (change, words) in cases {
            let mut asked = submission("#!/bin/sh\n");
            change(&mut asked);
            match Request::check(&asked) {
                Err(SlurmError::Refused { message }) => assert!(message.contains(words), "{message}"),
                other => panic!("{words}: {other:?}"),
            }
        }
    }
}
