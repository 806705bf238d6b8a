//! Firewalls.
use serde::{Deserialize, Serialize};

use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Command, Host, HostError, run_well};

/// A firewall that is active lets connections to ports in, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPorts {
    /// `firewalld` or `ufw`.
    pub firewall: String,
    /// TCP ports, single or as ranges: `6817`, `60001-63000`.
    pub ports: Vec<String>,
}

/// Before a port that firewalld opens with the next start too, in an undo.
const PERMANENT: &str = "permanent ";

/// A firewall's commands. Sources: firewall-cmd(1), ufw(8).
enum Firewall {
    Firewalld,
    Ufw,
}

impl Firewall {
    /// Rules for ports, as the firewall writes them. firewalld has two of each: one for now, one for good.
    fn rules(&self, ports: &[String]) -> Result<Vec<String>, StepError> {
        let mut rules = Vec::new();
        for port in ports {
            let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
            let is_right = port.split_once('-').map_or_else(|| is_port(port), |(a, b)| is_port(a) && is_port(b));
            if !is_right {
                return Err(StepError::Refused(format!("{port:?} is neither a port nor a range of ports")));
            }
            match self {
                Self::Firewalld => rules.extend([format!("{PERMANENT}{port}/tcp"), format!("{port}/tcp")]),
                Self::Ufw => rules.push(format!("{}/tcp", port.replace('-', ":"))),
            }
        }
        Ok(rules)
    }

    /// Rules that are missing; none when the firewall does not run, and so lets everything in.
    fn closed(&self, host: &dyn Host, rules: Vec<String>) -> Result<Vec<String>, HostError> {
        match self {
            Self::Firewalld => {
                let mut closed = Vec::new();
                for rule in rules {
                    let output = match host.run(&firewalld("query", &rule)) {
                        Err(HostError::NotStarted { .. }) => return Ok(Vec::new()),
                        output => output?,
                    };
                    match output.code {
                        Some(0) => {}
                        // It says `no`. Other codes are errors, 252 that it does not run.
                        Some(1) => closed.push(rule),
                        Some(252) => return Ok(Vec::new()),
                        _ => return Err(failed("firewall-cmd", &output.complaint())),
                    }
                }
                Ok(closed)
            }
            Self::Ufw => {
                let output = match host.run(&Command::new("ufw").args(["status"])) {
                    Err(HostError::NotStarted { .. }) => return Ok(Vec::new()),
                    output => output?,
                };
                if !output.is_ok() {
                    return Err(failed("ufw", &output.complaint()));
                }
                let text = output.text();
                if !text.lines().any(|line| line.trim() == "Status: active") {
                    return Ok(Vec::new());
                }
                let is_open = |rule: &String| {
                    text.lines().any(|line| {
                        let words: Vec<&str> = line.split_whitespace().collect();
                        words.starts_with(&[rule, "ALLOW", "Anywhere"]) || words.starts_with(&[rule, "ALLOW", "IN"])
                    })
                };
                Ok(rules.into_iter().filter(|rule| !is_open(rule)).collect())
            }
        }
    }

    fn open(&self, host: &dyn Host, rule: &str) -> Result<(), HostError> {
        let command = match self {
            Self::Firewalld => firewalld("add", rule),
            Self::Ufw => Command::new("ufw").args(["allow", rule]),
        };
        run_well(host, &command).map(drop)
    }

    fn close(&self, host: &dyn Host, rule: &str) -> Result<(), HostError> {
        let command = match self {
            Self::Firewalld => firewalld("remove", rule),
            Self::Ufw => Command::new("ufw").args(["--force", "delete", "allow", rule]),
        };
        run_well(host, &command).map(drop)
    }
}

fn firewalld(verb: &str, rule: &str) -> Command {
    let command = Command::new("firewall-cmd").within(60);
    match rule.strip_prefix(PERMANENT) {
        Some(port) => command.args(["--permanent".to_owned(), format!("--{verb}-port={port}")]),
        None => command.args([format!("--{verb}-port={rule}")]),
    }
}

fn failed(what: &str, said: &str) -> HostError {
    HostError::Failed { what: what.to_owned(), said: said.to_owned() }
}

impl OpenPorts {
    fn firewall(&self) -> Result<Firewall, StepError> {
        match self.firewall.as_str() {
            "firewalld" => Ok(Firewall::Firewalld),
            "ufw" => Ok(Firewall::Ufw),
            other => Err(StepError::Refused(format!(
                "the firewall {other} can't be changed by the installer: let TCP ports {} in by hand",
                self.ports.join(", ")
            ))),
        }
    }
}

impl Act for OpenPorts {
    fn subject(&self) -> String {
        format!("ports {} in {}", self.ports.join(" "), self.firewall)
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let firewall = self.firewall()?;
        let closed = firewall.closed(host, firewall.rules(&self.ports)?)?;
        if closed.is_empty() {
            return Ok(Look::Same);
        }
        let mut ports: Vec<&str> = closed.iter().map(|rule| rule.strip_prefix(PERMANENT).unwrap_or(rule)).collect();
        ports.dedup();
        let summary = format!("lets {} in", ports.join(", "));
        Ok(Look::Change(Change::new(summary, Undo::Ports(closed))))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let firewall = self.firewall()?;
        let closed = firewall.closed(host, firewall.rules(&self.ports)?)?;
        Ok(closed.iter().try_for_each(|rule| firewall.open(host, rule))?)
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Ports(ports) = undo else { return Ok(Reverted::wholly()) };
        let firewall = self.firewall()?;
        let still_closed = firewall.closed(host, ports.clone())?;
        let opened = ports.iter().filter(|rule| !still_closed.contains(rule));
        opened.into_iter().try_for_each(|rule| firewall.close(host, rule))?;
        Ok(Reverted::wholly())
    }
}
