//! Units, by systemctl(1) and journalctl(1).
use crate::host::{Command, Host, HostError, Unit, UnitVerb, run_well};

/// A unit's start may take its own time limit, a minute and a half by default, and its stop before that as much.
const WITHIN: u64 = 400;

/// What of a unit is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    unit: Unit,
    needs_reload: bool,
}

/// Reads `systemctl show`: lines of `Name=value`.
fn shown(text: &str) -> Result<Shown, HostError> {
    let value = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.map(|value| value.trim_end().to_owned())
    };
    let (Some(load), Some(active)) = (value("LoadState"), value("ActiveState")) else {
        return Err(HostError::Malformed(String::from("systemctl show does not tell LoadState and ActiveState")));
    };
    let or_none = |name| value(name).unwrap_or_default();
    let unit = Unit { load, active, enabled: or_none("UnitFileState"), kind: or_none("Type") };
    Ok(Shown { unit, needs_reload: value("NeedDaemonReload").as_deref() == Some("yes") })
}

fn name(name: &str) -> Result<&str, HostError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":_.@\\-".contains(c);
    let has_type = name.rsplit_once('.').is_some_and(|(stem, kind)| !stem.is_empty() && !kind.is_empty());
    if has_type && !name.starts_with('-') && name.len() < 256 && name.chars().all(allowed) {
        return Ok(name);
    }
    Err(HostError::Malformed(format!("{name:?} is no name of a unit")))
}

fn show(host: &dyn Host, unit: &str) -> Result<Shown, HostError> {
    let command = Command::new("systemctl").args(["show", "--no-pager"]);
    let command =
        command.args(["--property=LoadState,ActiveState,UnitFileState,Type,NeedDaemonReload", "--", name(unit)?]);
    shown(&run_well(host, &command)?.text())
}

pub fn unit(host: &dyn Host, name: &str) -> Result<Unit, HostError> {
    Ok(show(host, name)?.unit)
}

fn systemctl(host: &dyn Host, verb: &str, unit: Option<&str>) -> Result<(), HostError> {
    let command = Command::new("systemctl").args(["--no-ask-password", "--no-pager", "--quiet", verb]).within(WITHIN);
    let output = host.run(&command.args(unit.into_iter().flat_map(|unit| ["--", unit])))?;
    if output.is_ok() {
        return Ok(());
    }
    let what = format!("systemctl {verb} {}", unit.unwrap_or_default());
    Err(HostError::Failed { what: what.trim_end().to_owned(), said: output.complaint() })
}

pub fn set(host: &dyn Host, unit: &str, verb: UnitVerb) -> Result<(), HostError> {
    let before = show(host, unit)?;
    if before.needs_reload || !before.unit.exists() {
        systemctl(host, "daemon-reload", None)?;
    }
    if before.unit.active == "failed" && matches!(verb, UnitVerb::Start | UnitVerb::Restart) {
        // One that failed too often is not started otherwise (StartLimitBurst of systemd.unit(5)).
        systemctl(host, "reset-failed", Some(unit))?;
    }
    let verb = match verb {
        UnitVerb::Enable => "enable",
        UnitVerb::Disable => "disable",
        UnitVerb::Start => "start",
        UnitVerb::Stop => "stop",
        UnitVerb::Restart => "restart",
        UnitVerb::Reload => "reload",
    };
    systemctl(host, verb, Some(unit))
}

pub fn log(host: &dyn Host, unit: &str, lines: u32) -> Result<Vec<String>, HostError> {
    let count = format!("--lines={lines}");
    let unit = format!("--unit={}", name(unit)?);
    let command = Command::new("journalctl").args(["--quiet", "--no-pager", "--output=short-iso", &count, &unit]);
    Ok(run_well(host, &command)?.text().lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_systemd_says_is_read() {
        let text = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nType=forking\nNeedDaemonReload=yes\n";
        let found = shown(text).unwrap();
        assert!(
            found.unit.tells_when_up()
                && found.needs_reload
                && found.unit.exists()
                && found.unit.is_active()
                && found.unit.is_enabled()
        );
        let text = "LoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n";
        let found = shown(text).unwrap();
        assert!(!found.unit.tells_when_up() && !found.needs_reload && !found.unit.exists() && !found.unit.is_enabled());
        assert!(shown("Failed to connect to bus: Host is down\n").is_err());
    }

    #[test]
    fn names_of_units_are_no_options() {
        for good in ["slurmctld.service", "user@1000.service", "run-rpc_pipefs.mount", "dev-disk-by\\x2duuid.device"] {
            assert_eq!(name(good).unwrap(), good);
        }
        for bad in ["", "slurmctld", "--root=/x.service", "a b.service", "../x.service", ".service", "x.", "*.service"]
        {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "(\\PC|\n|=|LoadState|ActiveState){0,100}") {
            let _ = shown(&text);
            let _ = name(&text);
        }
    }
}
