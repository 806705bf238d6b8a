//! What every scenario begins with: the lab, the program, and a clock to tell by.

use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use lab::census::Snapshot;
use lab::compare::{Exception, compare};
use lab::run::eventually;
use lab::{Host, Lab, Shape, can_run};

/// Where the program under test is in the host that it is called on.
pub const PROGRAM: &str = "/root/slurmdash";

/// A scenario's surroundings.
pub struct Stage {
    /// The hosts.
    pub lab: Lab,
    program: PathBuf,
    begun: Instant,
}

impl Stage {
    /// Takes the lab; `None`, and the reason is printed, where there can be none.
    pub fn set() -> Result<Option<Self>> {
        let Some(program) = env::var_os("SLURMDASH_LAB_PROGRAM").map(PathBuf::from) else {
            println!("SKIPPED SLURMDASH_LAB_PROGRAM is not set; `cargo xtask test lab` builds the program and sets it");
            return Ok(None);
        };
        if let Err(reason) = can_run() {
            println!("SKIPPED {reason}");
            return Ok(None);
        }
        Ok(Some(Self { lab: Lab::for_test()?, program, begun: Instant::now() }))
    }

    /// Says something, with the time since the beginning.
    pub fn say(&self, what: &str) {
        println!("{:7.1} s  {what}", self.begun.elapsed().as_secs_f64());
    }

    /// Boots fresh hosts and brings the program onto the first.
    pub fn hosts(&self, names: &[&str], shape: &Shape) -> Result<Vec<Host<'_>>> {
        let wanted: Vec<_> = names.iter().map(|name| (*name, shape.clone())).collect();
        let hosts = self.lab.boot(&wanted)?;
        for host in &hosts {
            settle(host)?;
        }
        self.bring(&hosts[0])?;
        self.say(&format!("up: {}", names.join(", ")));
        Ok(hosts)
    }

    /// A single fresh host with the program.
    pub fn single(&self, shape: &Shape) -> Result<Host<'_>> {
        Ok(self.hosts(&["head1"], shape)?.remove(0))
    }

    /// Brings the program onto a host.
    pub fn bring(&self, host: &Host<'_>) -> Result<()> {
        host.put(&self.program, PROGRAM, 0o755)
    }

    /// Compares a host with how it was; an error that lists every difference.
    pub fn same(&self, what: &str, host: &Host<'_>, before: &Snapshot, more: &[Exception]) -> Result<()> {
        settle(host)?;
        let found = compare(before, &Snapshot::of(host)?, more);
        ensure!(found.is_empty(), "{} is not as it was, {what}:\n{}", host.name(), found.join("\n"));
        self.say(&format!("{} is as it was, {what}", host.name()));
        Ok(())
    }
}

/// Waits until a host has ended everything it does at its start.
pub fn settle(host: &Host<'_>) -> Result<()> {
    eventually(&format!("{} has started", host.name()), Duration::from_mins(1), || {
        let state = host.exec(&["systemctl", "is-system-running"])?.stdout;
        Ok(["running", "degraded"].contains(&state.trim()).then_some(()))
    })
}

/// `Stage::set`, or the end of the test where it can't be.
#[macro_export]
macro_rules! stage {
    () => {
        match $crate::stage::Stage::set()? {
            Some(stage) => stage,
            None => return Ok(()),
        }
    };
}
