//! The installer's limits; some of its figures come from `tests/bench/install.rs`, the others from real hosts.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::run::{eventually, run};
use lab::{Host, Lab, Shape};

use super::{Figure, Limit};

/// Fresh hosts for each way.
const ROUNDS: usize = 3;
/// Where the program is on a host before it is installed.
const PROGRAM: &str = "/root/slurmdash";
/// What the installer asks apt for on a single host of Debian 12.
const PACKAGES: &str = "mariadb-server munge slurm-client slurmctld slurmd slurmdbd";

/// By figures' names.
pub fn limit(name: &str) -> Limit {
    match name {
        "install: plan for 1,000 hosts after facts" => Limit::AtMost(2.0),
        "install: memory for the facts and the plan of 1,000 hosts" => Limit::AtMost(200.0),
        "install: second run on 64 hosts, 50 ms away" => Limit::AtMost(10.0),
        "install: second run on one host" => Limit::AtMost(3.0),
        "install: one host, over by hand" => Limit::AtMost(1.3),
        _ => Limit::None,
    }
}

/// What a person who has done it before does on a host: packages, the files of a host that is installed, services. A
/// service is started when it answers: a slurmctld that comes before slurmdbd answers ends at once.
const BY_HAND: &str = r#"set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq --yes --no-install-recommends install PACKAGES >/dev/null
groupadd --gid 902 slurmdash
useradd --system --uid 902 --gid 902 --no-create-home --shell /usr/sbin/nologin slurmdash
install -d -o slurmdash -g slurmdash -m 700 /var/lib/slurmdash
tar -xpf /root/files.tar -C /
chown munge: /etc/munge/munge.key
install -d -m 755 /var/spool/slurmd
install -d -o slurm -g slurm -m 700 /var/lib/slurm/slurmctld
systemctl daemon-reload
systemctl restart munge mariadb
password=$(sed -n 's/^StoragePass=//p' /etc/slurm/slurmdbd.conf)
mariadb -e "create database slurm_acct_db; grant all on slurm_acct_db.* to slurm@localhost identified by '$password'"
systemctl enable --quiet --now slurmdbd
until sacctmgr -n list cluster >/dev/null 2>&1; do sleep 0.1; done
systemctl enable --quiet --now slurmctld
until scontrol ping | grep -q UP; do sleep 0.1; done
systemctl enable --quiet --now slurmd
until sinfo -h -o %T | grep -q idle; do sleep 0.1; done
systemctl reload ssh
systemctl enable --quiet --now slurmdash
systemctl is-active munge mariadb slurmdbd slurmctld slurmd slurmdash
"#;

/// Packs what the installer wrote, for the hosts that are done by hand.
const PACK: &str = "tar -cf /root/files.tar -C / etc/munge/munge.key \
    etc/mysql/mariadb.conf.d/60-slurmdash.cnf etc/slurm etc/slurmdash etc/systemd/system/slurmdash.service \
    etc/systemd/system/slurmctld.service.d usr/local/bin/slurmdash etc/ssh/slurmdash_ca.pub \
    etc/ssh/sshd_config.d/50-slurmdash.conf var/lib/slurmdash/ssh_ca";

/// A single host, by the installer and by hand, in turns.
pub fn on_real_hosts(program: &Path) -> Result<Vec<Figure>> {
    let lab = Lab::for_test()?;
    // So that all packages come from the cache.
    fresh(&lab)?
        .ssh(&[&format!(
            "apt-get -qq update; apt-get -qq --yes --download-only --no-install-recommends install {PACKAGES}"
        )])?
        .good()?;
    let (mut installed, mut by_hand, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let host = fresh(&lab)?;
        host.put(program, PROGRAM, 0o755)?;
        let load = load()?;
        installed.push(timed(&host, &[PROGRAM, "install", "--yes"])?);
        again.push(timed(&host, &[PROGRAM, "install", "--yes"])?);
        let brought = packages(&host)?;
        host.exec(&["sh", "-c", PACK])?.good()?;
        let files = std::fs::read(host.root().join("root/files.tar"))?;

        let host = fresh(&lab)?;
        host.write("/root/files.tar", &files, 0o600)?;
        host.write("/root/by-hand", BY_HAND.replace("PACKAGES", PACKAGES).as_bytes(), 0o700)?;
        by_hand.push(timed(&host, &["sh", "/root/by-hand"])?);
        ensure!(brought == packages(&host)?, "by hand came other packages than by the installer");
        eprintln!(
            "round {round}, load {load}: {:.1} s by the installer, {:.1} s by hand; again {:.1} s",
            installed[round - 1],
            by_hand[round - 1],
            again[round - 1]
        );
    }
    let (installed, by_hand) = (median(installed), median(by_hand));
    let figures = [
        ("one host by hand", by_hand, "s"),
        ("one host", installed, "s"),
        ("one host, over by hand", installed / by_hand, "x"),
        ("second run on one host", median(again), "s"),
    ];
    let figure = |(name, value, unit): (&str, f64, &'static str)| {
        let name = format!("install: {name}");
        let limit = limit(&name);
        Figure::new(name, value, unit, limit)
    };
    Ok(figures.map(figure).into())
}

/// A host that has never been used, and has nothing more to do.
fn fresh(lab: &Lab) -> Result<Host<'_>> {
    let host = lab.host("head1")?;
    host.reset(&Shape::default())?;
    eventually("the host has started", Duration::from_mins(1), || {
        let state = host.exec(&["systemctl", "is-system-running"])?.stdout;
        Ok(["running", "degraded"].contains(&state.trim()).then_some(()))
    })?;
    // What was written before is no burden of what is measured.
    run(&["sync"])?;
    Ok(host)
}

/// Seconds of a command that ends well, through the host's sshd.
fn timed(host: &Host<'_>, words: &[&str]) -> Result<f64> {
    let ran = host.ssh(words)?;
    let took = ran.took.as_secs_f64();
    ran.good()?;
    Ok(took)
}

fn packages(host: &Host<'_>) -> Result<BTreeSet<String>> {
    let list = host.exec(&["dpkg-query", "--show", "--showformat=${Package}\\n"])?.good()?;
    Ok(list.lines().map(str::to_owned).collect())
}

/// How busy this machine was in the last minute.
fn load() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg").context("/proc/loadavg")?;
    Ok(text.split_whitespace().next().unwrap_or_default().to_owned())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
