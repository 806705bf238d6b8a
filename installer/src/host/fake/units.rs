//! systemd of a host in memory.
use std::path::Path;

use super::world::World;
use crate::host::{Attributes, HostError, Unit, UnitVerb};

const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

impl World {
    /// Where a unit's file is.
    fn unit_file(&self, name: &str) -> Option<String> {
        ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
            .iter()
            .map(|folder| format!("{folder}/{name}"))
            .find(|path| self.tree.has(path))
    }

    /// What systemd knows of a unit.
    pub fn unit(&self, name: &str) -> Unit {
        let active = self.daemons.get(name).map_or("inactive", |daemon| daemon.active.as_str());
        if self.unit_file(name).is_none() {
            return Unit {
                load: "not-found".into(),
                active: active.into(),
                enabled: String::new(),
                kind: String::new(),
            };
        }
        let enabled = if self.tree.has(&format!("{WANTS}/{name}")) { "enabled" } else { "disabled" };
        Unit { load: "loaded".into(), active: active.into(), enabled: enabled.into(), kind: "simple".into() }
    }

    /// Starts it with the host from now on.
    pub fn enable(&mut self, name: &str) -> Result<(), HostError> {
        let Some(file) = self.unit_file(name) else { return Err(no_unit(name)) };
        let link = format!("{WANTS}/{name}");
        if !self.tree.has(&link) {
            self.make_directories(Path::new(WANTS), 0o755)?;
            self.link(&link, &file)?;
        }
        Ok(())
    }

    /// The reverse.
    pub fn disable(&mut self, name: &str) -> Result<(), HostError> {
        self.tree.remove(Path::new(&format!("{WANTS}/{name}")))
    }

    /// Does something to a unit.
    pub fn set_unit(&mut self, name: &str, verb: UnitVerb) -> Result<(), HostError> {
        if self.unit_file(name).is_none() && !(verb == UnitVerb::Stop && self.daemons.contains_key(name)) {
            return Err(no_unit(name));
        }
        match verb {
            UnitVerb::Enable => self.enable(name),
            UnitVerb::Disable => self.disable(name),
            UnitVerb::Start => {
                if self.unit(name).is_active() {
                    return Ok(());
                }
                self.start(name)
            }
            UnitVerb::Stop => {
                if let Some(daemon) = self.daemons.get_mut(name)
                    && daemon.active != "failed"
                {
                    daemon.active = "inactive".into();
                }
                Ok(())
            }
            UnitVerb::Reload if !self.unit(name).is_active() => Err(HostError::Failed {
                what: format!("reload of {name}"),
                said: "Unit is not active, cannot reload.".into(),
            }),
            UnitVerb::Restart | UnitVerb::Reload => self.start(name),
        }
    }

    fn start(&mut self, name: &str) -> Result<(), HostError> {
        let broken = self.broken.get(name).cloned();
        let complaint = self.complaint(name);
        let has_condition = self.has_condition(name);
        let daemon = self.daemons.entry(name.to_owned()).or_default();
        if !has_condition {
            daemon.log.push(format!("{name} was skipped because of an unmet condition check (ConditionPathExists)."));
            daemon.active = "inactive".into();
            return Ok(());
        }
        let (log, at_once) = match (broken, complaint) {
            (Some(broken), _) => (broken.log, broken.at_once),
            (None, Some(complaint)) => (vec![complaint], true),
            (None, None) => {
                daemon.active = "active".into();
                daemon.starts += 1;
                daemon.log.push(format!("Started {name}."));
                return self.started(name);
            }
        };
        daemon.log.extend(log);
        if at_once {
            daemon.active = "failed".into();
            let said = format!("Job for {name} failed because the control process exited with error code.");
            return Err(HostError::Failed { what: format!("start of {name}"), said });
        }
        daemon.active = "activating".into();
        Ok(())
    }

    /// Whether what its unit file asks for is there.
    fn has_condition(&self, name: &str) -> bool {
        match name {
            "slurmctld.service" => self.tree.has("/etc/slurm/slurm.conf"),
            "slurmdbd.service" => self.tree.has("/etc/slurm/slurmdbd.conf"),
            _ => true,
        }
    }

    /// What a daemon says when it can't start.
    fn complaint(&self, name: &str) -> Option<String> {
        let attributes = |path: &str| self.tree.get(Path::new(path)).ok().flatten().map(|node| node.attributes);
        match name {
            "munge.service" => match attributes("/etc/munge/munge.key") {
                None => Some("munged: Error: Failed to open keyfile \"/etc/munge/munge.key\"".into()),
                Some(Attributes { uid, mode, .. }) if uid != self.uid("munge") || mode & 0o077 != 0 => {
                    Some("munged: Error: Keyfile is insecure: \"/etc/munge/munge.key\" should be owned by UID".into())
                }
                Some(_) => None,
            },
            "slurmdbd.service" => match attributes("/etc/slurm/slurmdbd.conf") {
                Some(Attributes { mode, .. }) if mode & 0o077 != 0 => {
                    Some("slurmdbd: fatal: slurmdbd.conf file /etc/slurm/slurmdbd.conf should be 600".into())
                }
                _ => None,
            },
            "mariadb.service" if !self.tree.has("/var/lib/mysql") => Some(
                "mariadbd: Can't change dir to '/var/lib/mysql/' (Errcode: 2 \"No such file or directory\")".into(),
            ),
            _ => None,
        }
    }

    /// What a daemon leaves behind on its disk.
    fn started(&mut self, name: &str) -> Result<(), HostError> {
        let (user, files): (&str, &[&str]) = match name {
            "slurmctld.service" => ("slurm", &["/var/lib/slurm/slurmctld/clustername", "/var/log/slurm/slurmctld.log"]),
            "slurmdbd.service" => ("slurm", &["/var/log/slurm/slurmdbd.log"]),
            "slurmd.service" => ("root", &["/var/log/slurm/slurmd.log"]),
            "munge.service" => ("munge", &["/var/lib/munge/munge.seed", "/var/log/munge/munged.log"]),
            _ => return Ok(()),
        };
        let attributes = Attributes { mode: 0o600, uid: self.uid(user), gid: self.gid(user) };
        for file in files {
            let path = Path::new(file);
            if matches!(self.tree.get(path), Ok(None)) && path.parent().is_some_and(|p| self.tree.list(p).is_ok()) {
                self.write(path, b"made by the daemon\n", attributes, None)?;
            }
        }
        Ok(())
    }

    /// A moment goes by: what was about to fail has failed.
    pub fn moment(&mut self) {
        for daemon in self.daemons.values_mut() {
            if daemon.active == "activating" {
                daemon.active = "failed".into();
            }
        }
    }

    /// The power comes back: what is enabled starts, nothing else runs.
    pub fn boot(&mut self) {
        self.tree.empty(Path::new("/run"));
        self.daemons.clear();
        for name in self.tree.list(Path::new(WANTS)).unwrap_or_default() {
            if self.unit_file(&name).is_some() {
                // One that fails has failed; the host is up.
                let _ = self.start(&name);
            }
        }
    }
}

fn no_unit(name: &str) -> HostError {
    HostError::Failed { what: format!("systemctl {name}"), said: format!("Unit {name} not found.") }
}
