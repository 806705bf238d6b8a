//! apt-get(8) and dpkg(1).
use std::path::Path;

use super::apt_said::{Known, candidates, known, simulated, unanswered};
use super::policy::Policy;
use super::{PATIENCE, failed, patiently, well};
use crate::host::{APT_SOURCE, Command, Host, HostError, Output, Package, run_well};

/// No question is asked, what the admin changed in a configuration file stays, and nobody restarts anything.
fn quiet(mut command: Command) -> Command {
    for (name, value) in [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("NEEDRESTART_SUSPEND", "1"),
        ("UCF_FORCE_CONFFOLD", "1"),
    ] {
        command.environment.insert(name.to_owned(), value.to_owned());
    }
    command
}

fn apt_get() -> Command {
    let lock = format!("--option=DPkg::Lock::Timeout={PATIENCE}");
    let command = Command::new("apt-get").args([
        "--quiet=2",
        "--yes",
        "--no-install-recommends",
        "--option=Dpkg::Options::=--force-confold",
        // dpkg stays in the process group, where a time limit reaches it.
        "--option=Dpkg::Use-Pty=0",
    ]);
    quiet(command.args([lock]))
}

/// Waits for the lock as long as a download may take besides.
fn dpkg(host: &dyn Host, arguments: &[&str]) -> Result<Output, HostError> {
    let command = Command::new("dpkg").args(["--force-confold"]).args(arguments.iter().copied());
    patiently(host, &quiet(command.within(1800)))
}

fn all(host: &dyn Host) -> Result<Vec<Known>, HostError> {
    let format = "--showformat=${db:Status-Abbrev}\\t${Package}\\t${Version}\\n";
    known(&run_well(host, &Command::new("dpkg-query").args(["--show", format]))?.text())
}

pub fn installed(host: &dyn Host) -> Result<Vec<Package>, HostError> {
    let there = all(host)?.into_iter().filter(|known| known.is_installed);
    let mut packages: Vec<Package> = there.map(|known| known.package).collect();
    packages.sort_unstable();
    packages.dedup_by(|a, b| a.name == b.name);
    Ok(packages)
}

/// A source of the installer's own must answer. Others may be out of reach beside it: a cluster without internet.
pub fn refresh(host: &dyn Host) -> Result<(), HostError> {
    if host.entry(Path::new(APT_SOURCE))?.is_none() {
        return update(host, &[]);
    }
    let own = format!("--option=Dir::Etc::SourceList={APT_SOURCE}");
    update(host, &[&own, "--option=Dir::Etc::SourceParts=-", "--option=APT::Get::List-Cleanup=0"])?;
    match update(host, &[]) {
        Err(HostError::Failed { .. }) => Ok(()),
        other => other,
    }
}

fn update(host: &dyn Host, options: &[&str]) -> Result<(), HostError> {
    let command = apt_get().args(["--option=Acquire::Retries=1", "--option=Acquire::http::Timeout=20"]);
    let command = command.args(options.iter().copied());
    let command = command.args(["--option=Acquire::https::Timeout=20", "update"]).within(900);
    let output = patiently(host, &command)?;
    // It ends well with old lists too, so what it says counts.
    let all = String::from_utf8_lossy(&output.stderr.0).into_owned() + "\n" + &output.text();
    let missing = unanswered(&all);
    if missing.is_empty() {
        return well("apt-get update", output).map(drop);
    }
    let said = format!("no answer from {}; see /etc/apt/sources.list and sources.list.d", missing.join(", "));
    Err(failed("apt-get update", said))
}

pub fn would_install(host: &dyn Host, names: &[String]) -> Result<Vec<Package>, HostError> {
    let command = apt_get().args(["--simulate", "--fix-broken", "install", "--"]).args(names).within(300);
    // Under --quiet=2 a simulation prints its actions alone.
    let found = simulated(&well("apt-get --simulate install", host.run(&command)?)?.text())?;
    if found.goes.is_empty() {
        return Ok(found.comes);
    }
    let said = format!("{} would have to go for {}", found.goes.join(", "), names.join(", "));
    Err(failed(
        "installing packages",
        said + "; nothing is removed for an installation: remove them, or their conflict",
    ))
}

pub fn install(host: &dyn Host, policy: &Policy, names: &[String]) -> Result<(), HostError> {
    get(host, policy, &["--fix-broken"], names)
}

pub fn set_versions(host: &dyn Host, policy: &Policy, packages: &[Package]) -> Result<(), HostError> {
    let words: Vec<String> = packages.iter().map(|package| format!("{}={}", package.name, package.version)).collect();
    get(host, policy, &["--allow-downgrades"], &words)
}

fn get(host: &dyn Host, policy: &Policy, options: &[&str], names: &[String]) -> Result<(), HostError> {
    let quiet = policy.put()?;
    // What was unpacked before its dependencies came stays unconfigured here; the installation below completes it.
    let finished = dpkg(host, &["--configure", "--pending"])?;
    let command = apt_get().args(["--no-remove"]).args(options.iter().copied()).args(["install", "--"]);
    let command = command.args(names).within(3600);
    let output = host.run(&command)?;
    let outcome = if output.is_ok() {
        Ok(())
    } else {
        let before = if finished.is_ok() { String::new() } else { finished.complaint() + "\n" };
        Err(failed("apt-get install", before + &output.complaint()))
    };
    let away = quiet.take_away();
    outcome.and(away)
}

pub fn purge(host: &dyn Host, names: &[String]) -> Result<(), HostError> {
    let there: Vec<String> = all(host)?.into_iter().map(|known| known.package.name).collect();
    let mut there: Vec<&String> = names.iter().filter(|name| there.contains(name)).collect();
    there.sort_unstable();
    there.dedup();
    if there.is_empty() {
        return Ok(());
    }
    let command = apt_get().args(["--simulate", "purge", "--"]).args(there.iter().copied()).within(300);
    let output = host.run(&command)?;
    // Where an interrupted installation left it unable to tell, dpkg below refuses what others need.
    if output.is_ok() {
        let found = simulated(&output.text())?;
        let others: Vec<String> = found.goes.into_iter().filter(|name| !names.contains(name)).collect();
        if !others.is_empty() {
            let words = format!("others need them and would go too: {}; nothing was removed", others.join(", "));
            return Err(failed("removing packages", words));
        }
    }
    let mut arguments = vec!["--force-remove-reinstreq", "--purge", "--"];
    arguments.extend(there.iter().map(|name| name.as_str()));
    well("dpkg --purge", dpkg(host, &arguments)?).map(drop)
}

pub fn available(host: &dyn Host, names: &[String]) -> Result<Vec<Package>, HostError> {
    let command = Command::new("apt-cache").args(["policy", "--"]).args(names);
    Ok(candidates(&run_well(host, &command)?.text()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::host::script::Script;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    const HELD: &str = "dpkg: error: dpkg frontend lock was locked by another process with pid 7\n";

    #[test]
    fn the_policy_is_there_while_packages_come_and_goes_when_they_fail() {
        for (code, said) in [(0, ""), (100, "E: Unable to fetch some archives\n")] {
            let dir = tempfile::tempdir().unwrap();
            let policy = Policy::at(dir.path());
            let (path, was_there) = (dir.path().join("policy-rc.d"), Arc::new(AtomicBool::new(false)));
            let script = Script::default().answer("dpkg --", 2, "", HELD).says("dpkg --", "");
            let mut script = script.answer("apt-get", code, "", said);
            let seen = was_there.clone();
            let looked_at = path.clone();
            script.watch = Some(Box::new(move |line| {
                if line.starts_with("apt-get") {
                    seen.store(looked_at.exists(), Ordering::SeqCst);
                }
            }));
            let outcome = install(&script, &policy, &names(&["munge"]));
            assert_eq!(outcome.is_ok(), code == 0, "{outcome:?}");
            assert!(was_there.load(Ordering::SeqCst) && !path.exists());
            let ran = script.ran();
            assert_eq!(ran[..2], ["dpkg --force-confold --configure --pending".to_owned(), "pause".to_owned()]);
            assert!(ran.last().unwrap().ends_with("--no-remove --fix-broken install -- munge"), "{ran:?}");
        }
    }

    #[test]
    fn a_purge_that_would_take_others_is_refused() {
        let there = "ii \tmunge\t1\nii \tslurmctld\t1\nrc \told\t1\n";
        let simulation = "Purg slurmctld [1]\nPurg munge [1]\n";
        let script =
            || Script::default().says("dpkg-query", there).says("apt-get", simulation).says("dpkg --force", "");
        let refused = script();
        let error = purge(&refused, &names(&["munge"])).unwrap_err().to_string();
        assert!(error.contains("would go too: slurmctld"), "{error}");
        assert!(!refused.ran_any("dpkg --force"));
        let fine = script();
        purge(&fine, &names(&["munge", "slurmctld", "old", "never"])).unwrap();
        assert_eq!(
            fine.ran().last().unwrap(),
            "dpkg --force-confold --force-remove-reinstreq --purge -- munge old slurmctld"
        );
        let nothing = script();
        purge(&nothing, &names(&["never"])).unwrap();
        assert_eq!(nothing.ran().len(), 1);
    }

    #[test]
    fn lists_that_did_not_come_are_an_error_although_apt_ends_well() {
        let said = "W: Failed to fetch http://mirror/dists/x/InRelease  Could not resolve 'mirror'\n";
        let error = refresh(&Script::default().answer("apt-get", 0, "", said)).unwrap_err().to_string();
        assert!(
            error.contains("no answer from http://mirror/dists/x/InRelease (Could not resolve 'mirror')"),
            "{error}"
        );
        refresh(&Script::default().answer("apt-get", 0, "", "")).unwrap();
        assert!(refresh(&Script::default().answer("apt-get", 100, "", "E: broken\n")).is_err());
    }

    #[test]
    fn nothing_goes_for_an_installation() {
        let simulation = "Remv mysql-server [8]\nInst mariadb-server (10 x [amd64])\n";
        let error = would_install(&Script::default().says("apt-get", simulation), &names(&["mariadb-server"]));
        assert!(error.unwrap_err().to_string().contains("mysql-server would have to go for mariadb-server"));
    }
}
