//! One job as a process on this machine: its files, its environment, its group.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group};
use slurmdash_api::UnixSeconds;
use tokio::process::{Child, Command};

use crate::slurm::notation::hostlist;
use crate::slurm::notation::pattern::{self, Names};

use super::hardware::{CLUSTER, NODES};
use super::queue::{Part, Phase, Record};
use super::request::Request;
use super::schedule::{Memory, Share};

/// The one user of the simulated cluster: whoever runs this program, and what of their environment jobs get.
#[derive(Debug, Clone)]
pub struct Person {
    /// Unix user name.
    pub name: String,
    /// `PATH`, `HOME`, `LANG` and the like; nothing else is inherited.
    pub environment: Vec<(OsString, OsString)>,
}

impl Person {
    /// Who runs this program, from its environment.
    pub fn from_environment() -> Person {
        let name = crate::unix::own_login();
        // Each with what it is where this program's own environment has none.
        let kept = [
            ("PATH", Some("/usr/local/bin:/usr/bin:/bin")),
            ("HOME", Some("/")),
            ("USER", Some(name.as_str())),
            ("LOGNAME", Some(name.as_str())),
            ("LANG", Some("C.UTF-8")),
            ("SHELL", None),
            ("LC_ALL", None),
            ("TZ", None),
        ];
        let value =
            |name: &str, fallback: Option<&str>| std::env::var_os(name).or_else(|| fallback.map(OsString::from));
        let environment = kept.into_iter().filter_map(|(name, fallback)| Some((name.into(), value(name, fallback)?)));
        Person { environment: environment.collect(), name: name.clone() }
    }
}

/// A started record as its process needs it.
#[derive(Debug)]
pub struct Launch {
    id: u32,
    part: Option<Part>,
    request: Arc<Request>,
    shares: Vec<Share>,
    since: UnixSeconds,
}

/// The job's open output files.
#[derive(Debug)]
pub struct Output {
    out: File,
    err: File,
}

impl Launch {
    /// What a record that has just started needs; `None` for any other.
    pub fn of(record: &Record) -> Option<Launch> {
        let Phase::Running(running) = &record.phase else {
            return None;
        };
        Some(Launch {
            id: record.id,
            part: record.array.clone(),
            request: record.request.clone(),
            shares: running.shares.clone(),
            since: running.since,
        })
    }

    /// The first node's name.
    pub fn node(&self) -> &'static str {
        self.shares.first().map_or("", |share| NODES[share.node].name)
    }

    /// Opens the output files, as the person would find them.
    pub fn open_output(&self, person: &Person) -> io::Result<Output> {
        let (out, err) = paths(&self.request, self.id, self.part.as_ref(), person, self.node());
        let open = |path: &Path, append: bool| {
            OpenOptions::new().create(true).write(true).truncate(!append).append(append).open(path)
        };
        let out_file = open(&out, self.request.append)?;
        let err_file = if err == out { out_file.try_clone()? } else { open(&err, self.request.append)? };
        Ok(Output { out: out_file, err: err_file })
    }

    /// Starts the script in a process group of its own. `dir` is this cluster's folder.
    ///
    /// The interpreter is called as the kernel would from the `#!` line. Calling the file itself could fail while
    /// another thread, in the middle of its own fork, still holds it open for writing (`ETXTBSY`).
    pub fn spawn(&self, dir: &Path, person: &Person, output: &Output) -> io::Result<Child> {
        let own = job_dir(dir, self.id);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&own)?;
        let script = own.join("slurm_script");
        write_new(&script, self.request.script.as_bytes(), 0o700)?;
        write_new(&own.join("layout"), self.layout().as_bytes(), 0o600)?;
        let line = self.request.script.lines().next().unwrap_or_default();
        let (interpreter, argument) = interpreter(line).ok_or(io::ErrorKind::NotFound)?;
        Command::new(interpreter)
            .args(argument)
            .arg(&script)
            .env_clear()
            .envs(self.environment(dir, person))
            .current_dir(&self.request.work_dir)
            .stdin(Stdio::null())
            .stdout(output.out.try_clone()?)
            .stderr(output.err.try_clone()?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    /// One line for each task: node number, node name, number on that node.
    fn layout(&self) -> String {
        let mut lines = String::new();
        for (nth, share) in self.shares.iter().enumerate() {
            for local in 0..share.tasks {
                let _ = writeln!(lines, "{nth} {} {local}", NODES[share.node].name);
            }
        }
        lines
    }

    /// The job's whole environment. Source: sbatch(1), "OUTPUT ENVIRONMENT VARIABLES".
    fn environment(&self, dir: &Path, person: &Person) -> Vec<(OsString, OsString)> {
        let own = self.request.environment.iter().map(|(name, value)| (name.into(), value.into()));
        let mut all: Vec<(OsString, OsString)> = person.environment.iter().cloned().chain(own).collect();
        for (_, path) in all.iter_mut().filter(|(name, _)| name == "PATH") {
            let mut longer = dir.join("bin").into_os_string();
            longer.push(":");
            longer.push(&*path);
            *path = longer;
        }
        all.push(("SLURM_SIM_LAYOUT".into(), job_dir(dir, self.id).join("layout").into()));
        let job = self.about_job(person).into_iter().chain(self.about_nodes()).chain(self.about_array());
        all.extend(job.map(|(name, value)| (name.into(), value.into())));
        all
    }

    fn about_job(&self, person: &Person) -> Vec<(&'static str, String)> {
        let request = &self.request;
        let mut all = vec![
            ("ENVIRONMENT", "BATCH".to_owned()),
            ("SLURM_CLUSTER_NAME", CLUSTER.to_owned()),
            ("SLURM_CPUS_PER_TASK", request.shape.cpus_per_task.to_string()),
            ("SLURM_JOB_END_TIME", self.since.saturating_add_unsigned(request.time_limit).to_string()),
            ("SLURM_JOB_ID", self.id.to_string()),
            ("SLURM_JOBID", self.id.to_string()),
            ("SLURM_JOB_NAME", request.name.clone()),
            ("SLURM_JOB_PARTITION", request.partition.name.to_owned()),
            ("SLURM_JOB_START_TIME", self.since.to_string()),
            ("SLURM_JOB_USER", person.name.clone()),
            ("SLURM_LOCALID", "0".to_owned()),
            ("SLURM_NODEID", "0".to_owned()),
            ("SLURM_NPROCS", request.shape.tasks.to_string()),
            ("SLURM_NTASKS", request.shape.tasks.to_string()),
            ("SLURM_PROCID", "0".to_owned()),
            ("SLURM_SUBMIT_DIR", request.work_dir.to_string_lossy().into_owned()),
            ("SLURM_SUBMIT_HOST", "login".to_owned()),
            match request.shape.memory {
                Memory::PerNode(memory) => ("SLURM_MEM_PER_NODE", memory.to_string()),
                Memory::PerCpu(memory) => ("SLURM_MEM_PER_CPU", memory.to_string()),
            },
        ];
        all.extend(request.account.clone().map(|account| ("SLURM_JOB_ACCOUNT", account)));
        all.extend(request.qos.clone().map(|qos| ("SLURM_JOB_QOS", qos)));
        all.extend(request.shape.tasks_per_node.map(|tasks| ("SLURM_NTASKS_PER_NODE", tasks.to_string())));
        all
    }

    fn about_nodes(&self) -> Vec<(&'static str, String)> {
        let names: Vec<&str> = self.shares.iter().map(|share| NODES[share.node].name).collect();
        let list = hostlist::compress(&names);
        let per_node = |count: fn(&Share) -> u32| repeated(&self.shares.iter().map(count).collect::<Vec<u32>>());
        let first = self.shares.first();
        let mut all = vec![
            ("HOSTNAME", self.node().to_owned()),
            ("SLURMD_NODENAME", self.node().to_owned()),
            ("SLURM_CPUS_ON_NODE", first.map_or(0, |share| share.cpus).to_string()),
            ("SLURM_JOB_CPUS_PER_NODE", per_node(|share| share.cpus)),
            ("SLURM_JOB_NODELIST", list.clone()),
            ("SLURM_JOB_NUM_NODES", names.len().to_string()),
            ("SLURM_NNODES", names.len().to_string()),
            ("SLURM_NODELIST", list),
            ("SLURM_TASKS_PER_NODE", per_node(|share| share.tasks)),
        ];
        let gpus = first.map(|share| share.gpus.as_slice()).unwrap_or_default();
        if !gpus.is_empty() {
            let list = gpus.iter().map(u32::to_string).collect::<Vec<String>>().join(",");
            all.push(("SLURM_GPUS_ON_NODE", gpus.len().to_string()));
            all.push(("SLURM_JOB_GPUS", list.clone()));
            all.push(("CUDA_VISIBLE_DEVICES", list));
        }
        all
    }

    fn about_array(&self) -> Vec<(&'static str, String)> {
        let (Some(part), Some(array)) = (&self.part, &self.request.array) else { return Vec::new() };
        let number = |number: Option<u32>| number.unwrap_or(0).to_string();
        vec![
            ("SLURM_ARRAY_JOB_ID", part.job.to_string()),
            ("SLURM_ARRAY_TASK_COUNT", array.tasks.len().to_string()),
            ("SLURM_ARRAY_TASK_ID", number(part.task())),
            ("SLURM_ARRAY_TASK_MAX", number(array.tasks.last().copied())),
            ("SLURM_ARRAY_TASK_MIN", number(array.tasks.first().copied())),
        ]
    }
}

impl Output {
    /// Writes what slurmstepd would into the job's standard error.
    pub fn say(&mut self, words: &str) {
        // The job's folder may be full or gone; the job's end doesn't depend on it.
        let _ = io::Write::write_all(&mut self.err, format!("slurmstepd: error: {words}\n").as_bytes());
    }
}

/// Where a record's standard output and standard error go.
pub fn paths(request: &Request, id: u32, part: Option<&Part>, person: &Person, node: &str) -> (PathBuf, PathBuf) {
    let names = Names {
        job_id: id,
        array_job_id: part.map_or(id, |part| part.job),
        task: part.and_then(Part::task),
        name: &request.name,
        user: &person.name,
        node,
    };
    let path = |text: &str| request.work_dir.join(pattern::expand(text, &names));
    let out = path(&request.stdout);
    let err = request.stderr.as_deref().map_or_else(|| out.clone(), path);
    (out, err)
}

/// Where a job's script and layout are while it runs.
pub fn job_dir(dir: &Path, id: u32) -> PathBuf {
    dir.join("jobs").join(id.to_string())
}

/// Sends a signal to every process of a group. A group that is already gone is fine.
pub fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(mode).open(path)?;
    io::Write::write_all(&mut file, bytes)
}

/// The interpreter of a `#!` line and its one argument, as execve(2) reads them.
fn interpreter(line: &str) -> Option<(&str, Option<&str>)> {
    let line = line.strip_prefix("#!")?.trim_matches([' ', '\t']);
    match line.split_once([' ', '\t']) {
        Some((interpreter, argument)) => Some((interpreter, Some(argument.trim_start_matches([' ', '\t'])))),
        None => (!line.is_empty()).then_some((line, None)),
    }
}

/// Numbers as Slurm writes them for each node: `4(x3),2`.
fn repeated(numbers: &[u32]) -> String {
    let groups = numbers.chunk_by(|a, b| a == b).map(|group| match group {
        [one] => one.to_string(),
        _ => format!("{}(x{})", group[0], group.len()),
    });
    groups.collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_first_line_like_the_kernel() {
        assert_eq!(interpreter("#!/bin/sh"), Some(("/bin/sh", None)));
        assert_eq!(interpreter("#! /usr/bin/env  -S bash -l "), Some(("/usr/bin/env", Some("-S bash -l"))));
        assert_eq!(interpreter("#!"), None);
        assert_eq!(interpreter("echo"), None);
    }

    #[test]
    fn repeats_are_folded() {
        assert_eq!(repeated(&[4, 4, 4, 2]), "4(x3),2");
        assert_eq!(repeated(&[1]), "1");
        assert_eq!(repeated(&[]), "");
    }
}
