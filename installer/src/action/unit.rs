//! Units of systemd.
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo, cause};
use crate::host::{Command, Host, HostError, Unit, UnitVerb, run_well};

/// A unit is enabled or not, and runs or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUnit {
    /// Its name with the type: `slurmctld.service`.
    pub name: String,
    /// Starts with the host.
    pub enabled: bool,
    /// Runs.
    pub running: bool,
    /// The daemon's own log, shown when it fails.
    pub log: Option<PathBuf>,
    /// A later step on this host waits for the daemon's own answer, so that its first seconds are not watched here.
    #[serde(default)]
    pub answers_later: bool,
}

/// A unit that runs is started anew, or reads its configuration; one that does not run is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartUnit {
    /// Its name with the type.
    pub name: String,
    /// `true`: reads its configuration, `false`: is started anew.
    pub reload: bool,
    /// The command by which it reads it, as an argument vector; `systemctl reload` when empty.
    #[serde(default)]
    pub reload_by: Vec<String>,
    /// The daemon's own log, shown when it fails.
    pub log: Option<PathBuf>,
    /// A later step on this host waits for the daemon's own answer, so that its first seconds are not watched here.
    #[serde(default)]
    pub answers_later: bool,
}

/// A unit that is started.
#[derive(Clone, Copy)]
struct Start<'a> {
    name: &'a str,
    verb: UnitVerb,
    log: Option<&'a Path>,
    /// Its first seconds are watched.
    is_watched: bool,
}

/// Pause between two looks at a unit that starts.
const PAUSE: Duration = Duration::from_millis(100);
/// Looks until a unit is active: a minute and a half, as long as systemd itself waits.
const LOOKS: u32 = 900;
/// Looks in a row at which it must be active, where systemd takes it for active as soon as it is started: two seconds.
/// Slurm's daemons that can't use their configuration end within that time.
const STEADY: u32 = 20;

/// Longest time of a command by which a daemon reads its configuration, seconds.
const RELOAD: u64 = 60;

/// What systemd says of a unit, in few words.
fn words(unit: &Unit) -> String {
    let running = if unit.is_active() { "running" } else { "not running" };
    let enabled = if unit.is_enabled() { "enabled" } else { "not enabled" };
    if unit.exists() { format!("{enabled}, {running}") } else { "not there".to_owned() }
}

/// Starts a unit, has it started anew or read its configuration, and waits until it is active and, when it is watched,
/// stays so.
fn bring_up(host: &dyn Host, start: Start<'_>) -> Result<(), StepError> {
    let Start { name, verb, log, .. } = start;
    match host.set_unit(name, verb) {
        Err(HostError::Failed { said, .. }) => {
            return Err(cause::not_reached(
                &format!("{name} does not start: {said}"),
                cause::log(host, Some(name), log),
            ));
        }
        other => other?,
    }
    stays_up(host, start)
}

/// Waits until a unit is active and, when it is watched, stays so.
fn stays_up(host: &dyn Host, start: Start<'_>) -> Result<(), StepError> {
    let Start { name, log, is_watched, .. } = start;
    let mut steady = 0;
    for _ in 0..LOOKS {
        let unit = host.unit(name)?;
        match unit.active.as_str() {
            _ if unit.starts_again => {
                let said = format!("{name} does not stay up: it ended, and systemd starts it once more");
                return Err(cause::not_reached(&said, cause::log(host, Some(name), log)));
            }
            "active" if !is_watched || unit.tells_when_up() || steady + 1 == STEADY => return Ok(()),
            "active" => steady += 1,
            "activating" | "reloading" => steady = 0,
            other => {
                let said = match other {
                    "inactive" => format!("{name} was started and does not run"),
                    other => format!("{name} does not stay up: it is {other}"),
                };
                return Err(cause::not_reached(&said, cause::log(host, Some(name), log)));
            }
        }
        host.pause(PAUSE);
    }
    Err(cause::not_reached(&format!("{name} is still not up"), cause::log(host, Some(name), log)))
}

/// Brings a unit back to what it was.
fn bring_back(host: &dyn Host, name: &str, before: &Unit, log: Option<&Path>) -> Result<Reverted, StepError> {
    let mut reverted = Reverted::wholly();
    let now = host.unit(name)?;
    let runs = now.is_active() || now.active == "activating" || now.active == "reloading";
    if runs && !before.is_active() {
        host.set_unit(name, UnitVerb::Stop)?;
    }
    if !now.exists() {
        return Ok(reverted);
    }
    if now.is_enabled() && !before.is_enabled() {
        host.set_unit(name, UnitVerb::Disable)?;
    } else if before.is_enabled() && !now.is_enabled() {
        host.set_unit(name, UnitVerb::Enable)?;
    }
    if before.is_active() && !runs {
        match bring_up(host, Start { name, verb: UnitVerb::Start, log, is_watched: true }) {
            Err(StepError::NotReached { said, .. }) => {
                reverted.left.push(format!("{name} ran before, and does not any more ({said}): start it"));
            }
            other => other?,
        }
    }
    Ok(reverted)
}

impl SetUnit {
    fn is_so(&self, unit: &Unit) -> bool {
        // Units without an [Install] part can be neither enabled nor disabled.
        let has_part = matches!(unit.enabled.as_str(), "enabled" | "enabled-runtime" | "disabled" | "");
        let is_enabled = unit.is_enabled() == self.enabled || !has_part;
        let runs = unit.is_active() || unit.active == "activating";
        is_enabled && if self.running { unit.is_active() } else { !runs }
    }
}

impl Act for SetUnit {
    fn subject(&self) -> String {
        format!("unit {}", self.name)
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let unit = host.unit(&self.name)?;
        if unit.load == "masked" {
            let said = format!("{} is masked, so nobody can start it: `systemctl unmask {0}` first", self.name);
            return Err(StepError::Refused(said));
        }
        if self.is_so(&unit) && (unit.exists() || !(self.enabled || self.running)) {
            return Ok(Look::Same);
        }
        let wanted = match (self.enabled, self.running) {
            (true, true) => "enabled, running",
            (true, false) => "enabled, not running",
            (false, true) => "not enabled, running",
            (false, false) => "not enabled, not running",
        };
        let summary = format!("{wanted} (was {})", words(&unit));
        let down = (self.running && unit.active == "failed").then(|| {
            let said = format!("{} was started, and failed after that", self.name);
            Box::new(cause::not_reached(&said, cause::log(host, Some(&self.name), self.log.as_deref())))
        });
        Ok(Look::Change(Change { down, ..Change::new(summary, Undo::Unit(unit)) }))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let unit = host.unit(&self.name)?;
        if !unit.exists() && (self.enabled || self.running) {
            return Err(StepError::Refused(format!("there is no unit {} on this host", self.name)));
        }
        if unit.enabled == "disabled" && self.enabled {
            host.set_unit(&self.name, UnitVerb::Enable)?;
        } else if unit.is_enabled() && !self.enabled {
            host.set_unit(&self.name, UnitVerb::Disable)?;
        }
        if self.running && !unit.is_active() {
            let (name, log, is_watched) = (self.name.as_str(), self.log.as_deref(), !self.answers_later);
            bring_up(host, Start { name, verb: UnitVerb::Start, log, is_watched })?;
        } else if !self.running && unit.active != "inactive" && unit.active != "failed" {
            host.set_unit(&self.name, UnitVerb::Stop)?;
        }
        Ok(())
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Unit(before) = undo else { return Ok(Reverted::wholly()) };
        bring_back(host, &self.name, before, self.log.as_deref())
    }
}

impl Act for RestartUnit {
    fn subject(&self) -> String {
        format!("{} of {}", if self.reload { "reload" } else { "restart" }, self.name)
    }

    /// Always a change: it is planned for when something else has changed.
    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let unit = host.unit(&self.name)?;
        let summary = match (unit.is_active(), self.reload) {
            (true, true) => "reads its configuration",
            (true, false) => "is started anew",
            (false, _) => "is started",
        };
        Ok(Look::Change(Change::new(summary, Undo::Unit(unit))))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let verb = match (host.unit(&self.name)?.is_active(), self.reload) {
            (true, true) => UnitVerb::Reload,
            (true, false) => UnitVerb::Restart,
            (false, _) => UnitVerb::Start,
        };
        let (name, log, is_watched) = (self.name.as_str(), self.log.as_deref(), !self.answers_later);
        let start = Start { name, verb, log, is_watched };
        let (UnitVerb::Reload, Some((program, arguments))) = (verb, self.reload_by.split_first()) else {
            return bring_up(host, start);
        };
        let command = Command::new(program).args(arguments.iter().cloned()).within(RELOAD);
        run_well(host, &command).map_err(|error| {
            cause::not_reached(
                &format!("{name} does not read its configuration: {error}"),
                cause::log(host, Some(name), log),
            )
        })?;
        stays_up(host, start)
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Unit(before) = undo else { return Ok(Reverted::wholly()) };
        bring_back(host, &self.name, before, self.log.as_deref())
    }
}
