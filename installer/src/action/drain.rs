//! Nodes that leave the cluster.
use serde::{Deserialize, Serialize};

use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Command, Host, HostError, run_well};

/// Nodes take no more jobs. Those that run there go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainNodes {
    /// Their names.
    pub nodes: Vec<String>,
}

/// What is said of them, in `sinfo -R`.
const REASON: &str = "leaves the cluster";
/// Longest time of a command, seconds.
const COMMAND: u64 = 30;

impl DrainNodes {
    /// Those of them that slurmctld knows, and that take jobs. None where no controller answers: nothing can start there
    /// then.
    fn taking(&self, host: &dyn Host) -> Result<Vec<String>, HostError> {
        let command = Command::new("scontrol").args(["-o", "show", "node"]).within(COMMAND);
        let text = match host.run(&command) {
            Ok(output) if output.is_ok() => output.text(),
            Ok(_) | Err(HostError::NotStarted { .. } | HostError::TimedOut { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let value = |line: &str, name: &str| {
            line.split_whitespace().find_map(|word| word.strip_prefix(name)).map(str::to_owned)
        };
        let takes = |line: &str| {
            let name = value(line, "NodeName=").filter(|name| self.nodes.contains(name))?;
            let state = value(line, "State=").unwrap_or_default();
            (!state.split('+').any(|flag| flag.starts_with("DRAIN"))).then_some(name)
        };
        Ok(text.lines().filter_map(takes).collect())
    }

    fn update(host: &dyn Host, nodes: &[String], settings: &[&str]) -> Result<(), HostError> {
        let names = format!("NodeName={}", nodes.join(","));
        let command = Command::new("scontrol").args(["update".to_owned(), names]).args(settings.iter().copied());
        run_well(host, &command.within(COMMAND)).map(drop)
    }
}

impl Act for DrainNodes {
    fn subject(&self) -> String {
        format!("drain of {}", crate::hostlist::fold(&self.nodes))
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let nodes = self.taking(host)?;
        if nodes.is_empty() {
            return Ok(Look::Same);
        }
        let undo = Undo::Drain(nodes);
        Ok(Look::Change(Change::new("takes no more jobs", undo)))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let nodes = self.taking(host)?;
        if nodes.is_empty() {
            return Ok(());
        }
        Ok(Self::update(host, &nodes, &["State=DRAIN", &format!("Reason={REASON}")])?)
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Drain(nodes) = undo else { return Ok(Reverted::wholly()) };
        let taking = self.taking(host)?;
        let drained: Vec<String> = nodes.iter().filter(|name| !taking.contains(name)).cloned().collect();
        if drained.is_empty() {
            return Ok(Reverted::wholly());
        }
        match Self::update(host, &drained, &["State=RESUME"]) {
            Err(HostError::Failed { said, .. }) => {
                let names = crate::hostlist::fold(&drained);
                let left =
                    format!("{names} may still be drained ({said}): scontrol update NodeName={names} State=RESUME");
                Ok(Reverted { left: vec![left], kept: Vec::new() })
            }
            other => Ok(other.map(|()| Reverted::wholly())?),
        }
    }
}
