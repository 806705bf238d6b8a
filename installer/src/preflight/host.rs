//! One host by itself.
use std::path::Path;

use crate::bytes::sha256;
use crate::config::{Config, ConfigHost, Packages, Role, ShareFrom};
use crate::facts::{Cgroup, Facts};
use crate::finding::Finding;
use crate::plan::family::{Daemon, Family};
use crate::plan::site::{MOUNTS, MUNGE_KEY, SLURM_CONF, SiteHost, WRITTEN, unsupported};
use crate::plan::upgrade::is_version;
use crate::plan::version::SlurmVersion;
use crate::plan::wanted::{INDEXES, ports};
use crate::secrets::{MUNGE_KEY as MUNGE_KEY_FILE, Secrets};
use crate::slurm_conf::Conf;

/// Room below `/var`, MiB: without the first nothing can be installed, without the second logs soon fill it.
const ROOM: (u64, u64) = (512, 1024);
/// The same where there is a database, which grows with every job. A host with all roles takes 850 MiB when it is new.
const ROOM_DATABASE: (u64, u64) = (1536, 4096);
/// Memory that the daemons need, MiB.
const MEMORY: u64 = 900;

/// What holds for all hosts.
pub(super) struct Cluster<'a> {
    pub(super) config: &'a Config,
    pub(super) secrets: &'a Secrets,
    /// Whether the Slurm that runs there, if any, is one that we made.
    pub(super) is_ours: bool,
}

/// A host, what is wrong with it, and where to say so.
struct Judge<'a> {
    config: &'a Config,
    host: &'a ConfigHost,
    facts: &'a Facts,
    family: Family,
    findings: &'a mut Vec<Finding>,
}

/// Judges a host that could be reached.
pub(super) fn judge(cluster: &Cluster, host: &ConfigHost, facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(family) = Family::of(&facts.os) else {
        findings.push(unsupported(&host.name, &facts.os));
        return;
    };
    let mut judge = Judge { config: cluster.config, host, facts, family, findings };
    judge.system();
    judge.room();
    judge.writable();
    judge.ports();
    judge.packages();
    judge.versions();
    judge.munge_key(cluster);
    judge.slurm_conf();
    judge.surroundings();
    judge.shares();
}

impl Judge<'_> {
    fn error(&mut self, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding::error(Some(&self.host.name), what, fix));
    }

    fn warning(&mut self, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding::warning(Some(&self.host.name), what, fix));
    }

    fn system(&mut self) {
        let facts = self.facts;
        if !self.family.is_supported(&facts.os) {
            let what = format!("{} is not one of the systems that this was tried with", facts.os.name);
            self.warning(what, "Debian 12 and 13, Ubuntu 22.04 and 24.04, and the RHEL family 8 to 10 are");
        }
        if !matches!(facts.architecture.as_str(), "x86_64" | "aarch64") {
            let what = format!("its processor is {}, for which there is no slurmdash", facts.architecture);
            self.error(what, "x86_64 and aarch64 are supported");
        }
        if facts.uid != 0 {
            let what = format!("the installer is user {} there, not root", facts.uid);
            self.error(what, "run it with sudo; on other hosts let `ssh.user` run sudo without a password");
        }
        if !facts.has_systemd {
            self.error("systemd is not its first process", "services are kept by systemd, so it has to be");
        }
        if facts.hostname != self.host.name {
            let what = format!("it calls itself {}", facts.hostname);
            self.error(what, format!("run there: hostnamectl set-hostname {}", self.host.name));
        }
    }

    fn room(&mut self) {
        let (needed, wanted) = if self.host.has(Role::Database) { ROOM_DATABASE } else { ROOM };
        let free = self.facts.free_mib.iter().filter(|(folder, _)| folder.starts_with("/var")).map(|(_, free)| *free);
        match free.min() {
            Some(free) if free < needed => {
                self.error(format!("{free} MiB are free below /var"), format!("make room: {needed} MiB are needed"));
            }
            Some(free) if free < wanted => {
                let what = format!("{free} MiB are free below /var");
                self.warning(what, format!("make room before long: it should have {wanted} MiB"));
            }
            _ => {}
        }
        if self.facts.memory_mib < MEMORY {
            let what = format!("it has {} MiB of memory", self.facts.memory_mib);
            self.warning(what, format!("{MEMORY} MiB are the least with which it works well"));
        }
    }

    /// Of mounts over each other the last one counts.
    fn writable(&mut self) {
        let Some(mounts) = self.facts.files.get(Path::new(MOUNTS)) else { return };
        let is_read_only = |folder: &&str| {
            let mount = |line: &str| {
                let mut words = line.split(' ').skip(1);
                let (point, options) = (words.next()?.to_owned(), words.nth(1)?.to_owned());
                Path::new(folder).starts_with(&point).then_some((point, options))
            };
            let nearest = mounts.lines().filter_map(mount).max_by_key(|(point, _)| point.len());
            nearest.is_some_and(|(_, options)| options.split(',').any(|option| option == "ro"))
        };
        let folders: Vec<&str> = ["/etc", "/usr", "/var"].into_iter().filter(is_read_only).collect();
        if !folders.is_empty() {
            self.error(
                format!("mounted read-only: {}", folders.join(", ")),
                "let it be written to: mount -o remount,rw; dmesg tells whether the kernel gave up writing after an error",
            );
        }
    }

    fn ports(&mut self) {
        for (port, program) in ports(self.config, self.host) {
            // The kernel cuts a process's name after 15 characters.
            let other = self.facts.ports.get(&port).filter(|there| !there.is_empty() && !program.starts_with(*there));
            let Some(other) = other.cloned() else { continue };
            let key = match program {
                "slurmdash" => "dashboard.listen",
                _ => "slurm.ports",
            };
            let what = format!("port {port}, which {program} is to listen on, is {other}'s");
            self.error(what, format!("stop {other}, or choose another port in cluster.yaml ({key})"));
        }
    }

    fn packages(&mut self) {
        let ours = self.facts.files.contains_key(Path::new(self.family.sources));
        match &self.config.packages {
            Packages::Folder(folder) => {
                if !INDEXES.iter().any(|index| self.facts.digests.contains_key(&folder.join(index))) {
                    self.error(
                        format!("{} holds no packages with their index", folder.display()),
                        "bring the folder to the same place on every host, or to a shared folder; its index is made by \
                         `dpkg-scanpackages . > Packages` or `createrepo_c .`",
                    );
                }
            }
            Packages::Mirror(url) if url.starts_with("http:") => {
                let what = format!("packages of {url} are installed without a check of who made them");
                self.warning(what, "use https, or a network that you trust");
            }
            Packages::Mirror(_) | Packages::Distribution => {}
        }
        if self.config.packages != Packages::Distribution && !ours {
            return;
        }
        let away = self.facts.sources_away.clone();
        let has = |name: &str| self.facts.available.contains_key(name) || self.facts.packages.contains_key(name);
        if self.family.extra_sources.is_some_and(|extra| !self.facts.packages.contains_key(extra) && has(extra)) {
            return;
        }
        let site = SiteHost { host: self.host, facts: self.facts, family: self.family };
        let missing: Vec<String> =
            crate::plan::packages::wanted(self.config, &site).into_iter().filter(|name| !has(name)).collect();
        if let Some(why) = away {
            let what = format!("its package sources do not answer: {why}");
            let fix =
                "see that apt-get update (dnf makecache) works there, or name a folder or a mirror: packages.source";
            // What is there already needs none.
            let finding = if missing.is_empty() { Finding::warning } else { Finding::error };
            self.findings.push(finding(Some(&self.host.name), what, fix));
        } else if !missing.is_empty() {
            let fix = match (self.family.extra_sources, self.facts.os.id.as_str()) {
                (Some(extra), _) => format!("add the source that has them: {extra}, and CRB or PowerTools"),
                (None, "ubuntu") => "add the component universe: add-apt-repository universe".to_owned(),
                (None, _) => "see that the package sources can be reached: apt-get update".to_owned(),
            };
            self.error(format!("its package sources have no {}", missing.join(", ")), fix);
        }
    }

    fn versions(&mut self) {
        let Some(wanted) = &self.config.versions.slurm else { return };
        let daemons = [Daemon::Controller, Daemon::Node, Daemon::Database].map(|daemon| self.family.package(daemon));
        let mut packages = daemons.into_iter().chain([self.family.client]);
        let found = packages.find_map(|name| self.facts.packages.get(name).or_else(|| self.facts.available.get(name)));
        let Some(found) = found.cloned() else { return };
        // An upgrade to it is planned then.
        let newer = crate::plan::upgrade::newer(&self.family, self.facts);
        let comes = newer.is_some_and(|newer| is_version(&newer.new, wanted));
        if !is_version(&found, wanted) && !comes {
            let what = format!("its Slurm is {found}, and versions.slurm insists on {wanted}");
            self.error(what, "change cluster.yaml, or bring that release by `packages` and `--upgrade`");
        }
    }

    fn munge_key(&mut self, cluster: &Cluster) {
        let there = self.facts.digests.get(Path::new(MUNGE_KEY));
        let is_other = there.is_some_and(|there| *there != sha256(&cluster.secrets.munge_key.0));
        // A host that was away when the key was rotated has the one before.
        let before = cluster.secrets.munge_key_before.as_ref().map(|before| sha256(&before.0));
        if !is_other || there == before.as_ref() {
            return;
        }
        let runs = |unit: &str| self.facts.units.get(unit).is_some_and(crate::host::Unit::is_active);
        let is_used = ["slurmctld.service", "slurmd.service", "slurmdbd.service"].into_iter().any(runs);
        let keep = format!(
            "to keep it for the cluster: install -m 600 {MUNGE_KEY} /var/lib/slurmdash-install/secrets/{MUNGE_KEY_FILE}"
        );
        if is_used && !cluster.is_ours {
            self.error("Slurm runs there with another munge key", keep);
        } else {
            self.warning("it has another munge key, which is replaced and comes back with a rollback", keep);
        }
    }

    fn slurm_conf(&mut self) {
        let by_hand = self.facts.files.get(Path::new(SLURM_CONF)).filter(|text| !text.starts_with(WRITTEN));
        let packaged = self.family.ships_slurm_conf && self.facts.packages.contains_key(self.family.client);
        let runs = |unit: &str| self.facts.units.get(unit).is_some_and(crate::host::Unit::is_active);
        let is_used = ["slurmctld.service", "slurmd.service"].into_iter().any(runs);
        if by_hand.is_some_and(|text| self.is_adopted(text)) {
            self.warning(
                format!("{SLURM_CONF} was written by somebody else for this cluster; it is replaced, and comes back with a rollback"),
                "`--plan --diff` shows what changes in it",
            );
        } else if by_hand.is_some() && (is_used || !packaged) {
            self.error(
                format!("{SLURM_CONF} was written by somebody else"),
                "`slurmdash install adopt` reads that cluster and writes the cluster.yaml for it; to begin anew, move the \
                 file away",
            );
        }
        let jobs = &self.facts.slurm.running_jobs;
        if !jobs.is_empty() {
            let what = match jobs.len() {
                1 => "a job runs there".to_owned(),
                count => format!("{count} jobs run there"),
            };
            self.warning(what, "they go on: a step that would end them is refused unless it is named");
        }
    }

    /// Whether a slurm.conf by hand is of the cluster that is described: its name and its controllers are the same.
    fn is_adopted(&self, text: &str) -> bool {
        let conf = Conf::parse(text);
        let short = |name: &str| name.split(['(', '.']).next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut theirs: Vec<String> = conf.all("SlurmctldHost").map(short).collect();
        if theirs.is_empty() {
            theirs =
                ["ControlMachine", "BackupController"].iter().filter_map(|name| conf.get(name)).map(short).collect();
        }
        let ours: Vec<String> = self.config.controllers().map(|host| host.name.to_ascii_lowercase()).collect();
        let is_name = conf.get("ClusterName").is_some_and(|name| name.eq_ignore_ascii_case(&self.config.cluster));
        is_name && theirs == ours
    }

    fn surroundings(&mut self) {
        if self.facts.selinux.as_deref() == Some("enforcing") {
            let what = "SELinux is enforced";
            self.warning(what, "what it refuses is shown by: ausearch -m avc -ts recent");
        }
        if self.facts.firewalls.iter().any(|firewall| firewall == "nftables") {
            let mut open: Vec<String> =
                ports(self.config, self.host).iter().map(|(port, _)| port.to_string()).collect();
            open.push(crate::plan::site::SRUN_PORTS.to_owned());
            let what = "it has rules of nftables, which are nobody's to change but yours";
            self.warning(what, format!("let TCP in from the cluster's hosts: {}", open.join(", ")));
        }
        if self.host.has(Role::Compute) {
            let known = self.usual_slurm().is_some_and(SlurmVersion::knows_cgroup_v2);
            let why = match self.facts.cgroup {
                Cgroup::Hybrid => "it has control groups of both versions, which Slurm refuses",
                Cgroup::Absent => "it has no control groups",
                Cgroup::V2 if !known => "its Slurm does not know control groups of version 2",
                Cgroup::V1 | Cgroup::V2 => return,
            };
            let what = format!("{why}, so that jobs are not kept to the cores and the memory they asked for");
            self.warning(what, "boot with systemd.unified_cgroup_hierarchy=1, and use Slurm 22.05 or newer");
        }
    }

    fn usual_slurm(&self) -> Option<SlurmVersion> {
        let package = self.family.package(Daemon::Node);
        let told = self.facts.packages.get(package).or_else(|| self.facts.available.get(package));
        told.and_then(|version| SlurmVersion::parse(version)).or_else(|| self.family.usual_slurm(&self.facts.os))
    }

    /// Folders that are said to be shared already are mounted, or at least below something that is; and so are homes, in
    /// which the dashboard's jobs work, where nothing is said.
    fn shares(&mut self) {
        let Some(mounts) = self.facts.files.get(Path::new(MOUNTS)) else { return };
        let is_mounted = |path: &Path| {
            let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
            points.filter(|point| *point != "/").any(|point| path.starts_with(point))
        };
        if self.config.hosts.len() == 1 || self.host.has(Role::Storage) {
            return;
        }
        let storage = &self.config.storage;
        let existing = [&storage.shared, &storage.home].into_iter().flatten();
        let missing: Vec<String> = existing
            .filter(|share| share.from == ShareFrom::Existing && !is_mounted(&share.path))
            .map(|share| share.path.display().to_string())
            .collect();
        for path in missing {
            let what = format!("{path} is to be shared with the other hosts, and nothing is mounted there");
            self.error(what, "mount it, or let one of the hosts serve it: `from: HOST`");
        }
        let works_in_homes = self.host.has(Role::Compute) || self.host.has(Role::Login);
        if self.config.dashboard.enabled && works_in_homes && storage.home.is_none() && !is_mounted(Path::new("/home"))
        {
            self.error(
                "its homes are its own, so that jobs of the dashboard find no folder of theirs on other hosts",
                "share them and say so in cluster.yaml: `storage: {home: {path: /home, from: existing}}`, or `from: HOST`",
            );
        }
    }
}
