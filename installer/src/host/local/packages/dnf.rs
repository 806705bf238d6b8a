//! dnf(8) and rpm(8).
use std::path::PathBuf;

use super::dnf_said::{known, simulated, unanswered};
use super::{failed, patiently, well};
use crate::host::{Command, Host, HostError, Package, run_well};

const FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n";

fn dnf() -> Command {
    Command::new("dnf").args(["--quiet", "--color=never", "--setopt=install_weak_deps=False"])
}

pub fn installed(host: &dyn Host) -> Result<Vec<Package>, HostError> {
    let mut found = known(&run_well(host, &Command::new("rpm").args(["-qa", "--queryformat", FORMAT]))?.text())?;
    // A kernel is there in several versions; the last is the newest.
    found.reverse();
    found.dedup_by(|a, b| a.name == b.name);
    found.reverse();
    Ok(found)
}

pub fn refresh(host: &dyn Host) -> Result<(), HostError> {
    // Not quiet, and no repository is passed over: what does not answer is what is asked for.
    let command = Command::new("dnf").args(["--color=never", "--setopt=*.skip_if_unavailable=False"]);
    let command = command.args(["--setopt=timeout=20", "--setopt=retries=2", "makecache", "--refresh"]).within(900);
    let output = patiently(host, &command)?;
    if output.is_ok() {
        return Ok(());
    }
    let missing = unanswered(&String::from_utf8_lossy(&output.stderr.0));
    if missing.is_empty() {
        return well("dnf makecache", output).map(drop);
    }
    Err(failed("dnf makecache", format!("no answer from {}; see /etc/yum.repos.d", missing.join(", "))))
}

pub fn would_install(host: &dyn Host, names: &[String]) -> Result<Vec<Package>, HostError> {
    // Not quiet: the table is what is asked for.
    let command = Command::new("dnf").args(["--color=never", "--setopt=install_weak_deps=False", "--assumeno"]);
    let output = patiently(host, &command.args(["install", "--"]).args(names).within(900))?;
    let found = simulated(&output.text());
    // It ends with 1 when "no" was the answer to its question.
    if !output.is_ok() && found.comes.is_empty() {
        return Err(failed("dnf install --assumeno", output.complaint()));
    }
    if found.goes.is_empty() {
        return Ok(found.comes);
    }
    let said = format!("{} would have to go for {}", found.goes.join(", "), names.join(", "));
    Err(failed(
        "installing packages",
        said + "; nothing is removed for an installation: remove them, or their conflict",
    ))
}

pub fn install(host: &dyn Host, names: &[String]) -> Result<(), HostError> {
    // No service is started: scriptlets of this family only follow presets (systemd.preset(5)).
    let command = dnf().args(["--assumeyes", "install", "--"]).args(names).within(3600);
    well("dnf install", patiently(host, &command)?).map(drop)
}

pub fn set_versions(host: &dyn Host, packages: &[Package]) -> Result<(), HostError> {
    let words = packages.iter().map(|package| format!("{}-{}", package.name, package.version));
    let command = dnf().args(["--assumeyes", "downgrade", "--"]).args(words).within(3600);
    well("dnf downgrade", patiently(host, &command)?).map(drop)
}

pub fn purge(host: &dyn Host, names: &[String]) -> Result<(), HostError> {
    let there: Vec<String> = installed(host)?.into_iter().map(|package| package.name).collect();
    let there: Vec<&String> = names.iter().filter(|name| there.contains(name)).collect();
    if there.is_empty() {
        return Ok(());
    }
    let rpm = |options: &[&str]| {
        let command = Command::new("rpm").args(options.iter().copied()).args(["--"]).args(there.iter().copied());
        patiently(host, &command.within(1800))
    };
    let test = rpm(&["--erase", "--test"])?;
    if !test.is_ok() {
        let words = format!("others need them: {}; nothing was removed", test.complaint());
        return Err(failed("removing packages", words));
    }
    // Configuration that was changed is put aside under this name; where it was there before, it is somebody's.
    let listed = well("rpm --query", rpm(&["--query", "--configfiles"])?)?.text();
    let mut left = Vec::new();
    for file in listed.lines().filter(|line| line.starts_with('/')) {
        let saved = PathBuf::from(format!("{file}.rpmsave"));
        if host.entry(&saved)?.is_none() {
            left.push(saved);
        }
    }
    well("rpm --erase", rpm(&["--erase"])?)?;
    left.iter().try_for_each(|saved| host.remove(saved))
}

pub fn available(host: &dyn Host, names: &[String]) -> Result<Vec<Package>, HostError> {
    let format = "--queryformat=%{name}\\t%{epoch}:%{version}-%{release}\\n";
    let command = dnf().args(["repoquery", "--latest-limit=1", format, "--"]).args(names).within(300);
    known(&run_well(host, &command)?.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::script::Script;

    #[test]
    fn a_purge_asks_first_and_takes_saved_configuration_along() {
        let script = || {
            Script::default()
                .says("rpm -qa", "munge\t0:0.5-1\nother\t0:1-1\n")
                .says("rpm --query", "/etc/sysconfig/munge\n/etc/kept\n")
                .file("/etc/kept.rpmsave", "the admin's")
                .says("rpm --erase --", "")
        };
        let names = [String::from("munge"), String::from("never")];
        let refusing = script().answer("rpm --erase --test", 1, "", "munge is needed by (installed) other-1\n");
        let error = purge(&refusing, &names).unwrap_err().to_string();
        assert!(error.contains("munge is needed by") && !refusing.ran_any("rpm --erase -- "), "{error}");
        let fine = script().says("rpm --erase --test", "");
        purge(&fine, &names).unwrap();
        assert_eq!(fine.ran()[3..], ["rpm --erase -- munge", "remove /etc/sysconfig/munge.rpmsave"]);
    }

    #[test]
    fn an_answer_of_no_is_no_failure_and_a_missing_package_is() {
        let names = [String::from("munge")];
        let table = "Installing:\n munge x86_64 0.5-1 epel 1 k\n\nTransaction Summary\n";
        let found = would_install(&Script::default().answer("dnf", 1, table, "Operation aborted.\n"), &names).unwrap();
        assert_eq!(found, [Package { name: "munge".into(), version: "0.5-1".into() }]);
        let missing = Script::default().answer("dnf", 1, "", "Error: Unable to find a match: munge\n");
        assert!(would_install(&missing, &names).unwrap_err().to_string().contains("Unable to find a match"));
        let error = refresh(&Script::default().answer("dnf", 1, "", "Curl error (7) for http://m/x [refused]\n"));
        assert!(error.unwrap_err().to_string().contains("no answer from http://m/x "));
    }
}
