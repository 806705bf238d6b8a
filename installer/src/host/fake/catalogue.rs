//! Packages as Debian 12 has them: what they bring, and what their scripts do.
use std::collections::BTreeMap;

/// A package that can be had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// Its version.
    pub version: String,
    /// Packages that it needs.
    pub needs: Vec<String>,
    /// Files, root's, with their modes; those below `/etc` are its configuration and stay until it is purged.
    pub files: Vec<(String, u32)>,
    /// Folders, root's, 0755 where they are new.
    pub folders: Vec<String>,
    /// What its scripts do when it is installed.
    pub does: Vec<Does>,
    /// What its scripts remove, with all that is inside, when it is purged.
    pub purges: Vec<String>,
    /// Users that its scripts remove when it is purged, with the group of the same name.
    pub purges_users: Vec<String>,
}

/// Something that a package's script does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Makes a system user with a group of the same name, unless there is one: the number, where it is a fixed one, and
    /// the shell.
    User(String, Option<u32>, String),
    /// Gives something its owner, group of the same name, and mode.
    Own(String, String, u32),
    /// Writes a file unless it is there, with owner and mode.
    File(String, String, String, u32),
    /// Makes a folder unless it is there, with owner and mode.
    Folder(String, String, u32),
    /// Enables a unit.
    Enable(String),
}

impl Does {
    /// The line of the script, as far as it matters: whose name and whose path occur.
    pub fn line(&self) -> String {
        match self {
            Self::User(name, ..) => format!("adduser --quiet --system --group {name}\n"),
            Self::Own(path, user, mode) => format!("chown {user}:{user} {path}\nchmod {mode:o} {path}\n"),
            Self::File(path, ..) => format!("test -e {path} || make {path}\n"),
            Self::Folder(path, ..) => format!("test -d {path} || mkdir {path}\n"),
            Self::Enable(unit) => format!("deb-systemd-helper enable '{unit}'\n"),
        }
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn own(path: &str, user: &str, mode: u32) -> Does {
    Does::Own(path.into(), user.into(), mode)
}

/// A package with its daemon's unit, programs and configuration.
fn offer(version: &str, needs: &[&str], files: &[&str], folders: &[&str]) -> Offer {
    let mode = |path: &str| if path.contains("/bin/") || path.contains("/sbin/") { 0o755 } else { 0o644 };
    Offer {
        version: version.into(),
        needs: owned(needs),
        files: files.iter().map(|&path| (path.to_owned(), mode(path))).collect(),
        folders: owned(folders),
        ..Offer::default()
    }
}

impl Offer {
    fn does(mut self, does: impl IntoIterator<Item = Does>) -> Self {
        self.does.extend(does);
        self
    }

    fn enables(self, unit: &str) -> Self {
        self.does([Does::Enable(unit.into())])
    }

    fn purges(mut self, paths: &[&str], users: &[&str]) -> Self {
        self.purges = owned(paths);
        self.purges_users = owned(users);
        self
    }
}

const SLURM: &str = "22.05.8-4+deb12u3";
const MARIADB: &str = "1:10.11.19-0+deb12u1";

/// Everything that this host's mirrors have.
pub fn debian_12() -> BTreeMap<String, Offer> {
    let offers = [munge(), libraries(), plugins(), daemons(), mariadb(), others()];
    offers.into_iter().flatten().map(|(name, offer)| (name.to_owned(), offer)).collect()
}

fn munge() -> Vec<(&'static str, Offer)> {
    let files = [
        "/etc/default/munge",
        "/etc/init.d/munge",
        "/etc/logrotate.d/munge",
        "/lib/systemd/system/munge.service",
        "/usr/bin/munge",
        "/usr/bin/unmunge",
        "/usr/sbin/munged",
        "/usr/sbin/mungekey",
    ];
    let folders = ["/etc/munge", "/var/lib/munge", "/var/log/munge"];
    let does = [
        Does::User("munge".into(), None, "/usr/sbin/nologin".into()),
        own("/var/log/munge", "munge", 0o700),
        own("/etc/munge", "munge", 0o700),
        own("/var/lib/munge", "munge", 0o711),
        Does::File("/etc/munge/munge.key".into(), "a key of the package's own".into(), "munge".into(), 0o600),
    ];
    let munge = offer("0.5.15-2+deb12u1", &["libmunge2", "adduser"], &files, &folders)
        .does(does)
        .enables("munge.service")
        .purges(&["/etc/munge/munge.key", "/var/lib/munge", "/var/log/munge"], &["munge"]);
    vec![("munge", munge)]
}

fn libraries() -> Vec<(&'static str, Offer)> {
    vec![
        ("adduser", offer("3.134", &[], &["/usr/sbin/adduser"], &[])),
        ("libmunge2", offer("0.5.15-2+deb12u1", &[], &["/usr/lib/x86_64-linux-gnu/libmunge.so.2"], &[])),
        ("libhwloc15", offer("2.9.0-1", &[], &["/usr/lib/x86_64-linux-gnu/libhwloc.so.15"], &[])),
        ("galera-4", offer("26.4.23-0+deb12u1", &[], &["/usr/lib/galera/libgalera_smm.so"], &[])),
        ("jq", offer("1.6-2.1", &[], &["/usr/bin/jq"], &[])),
    ]
}

fn plugins() -> Vec<(&'static str, Offer)> {
    let files = ["/etc/slurm/plugstack.conf", "/usr/lib/x86_64-linux-gnu/slurm-wlm/auth_munge.so"];
    let basic = offer(SLURM, &["libmunge2", "libhwloc15", "adduser"], &files, &["/etc/slurm/plugstack.conf.d"])
        .does([Does::User("slurm".into(), Some(64030), "/usr/sbin/nologin".into())])
        .purges(&["/etc/slurm"], &["slurm"]);
    let mysql = ["/usr/lib/x86_64-linux-gnu/slurm-wlm/accounting_storage_mysql.so"];
    vec![("slurm-wlm-basic-plugins", basic), ("slurm-wlm-mysql-plugin", offer(SLURM, &[], &mysql, &[]))]
}

fn daemons() -> Vec<(&'static str, Offer)> {
    let client = [
        "/usr/bin/sacct",
        "/usr/bin/sacctmgr",
        "/usr/bin/sbatch",
        "/usr/bin/scancel",
        "/usr/bin/scontrol",
        "/usr/bin/sinfo",
        "/usr/bin/squeue",
        "/usr/bin/srun",
    ];
    let ctld = [
        "/etc/default/slurmctld",
        "/etc/logrotate.d/slurmctld",
        "/lib/systemd/system/slurmctld.service",
        "/usr/sbin/slurmctld",
    ];
    let dbd = ["/etc/default/slurmdbd", "/lib/systemd/system/slurmdbd.service", "/usr/sbin/slurmdbd"];
    let slurmd = ["/etc/default/slurmd", "/lib/systemd/system/slurmd.service", "/usr/sbin/slurmd"];
    let controller = offer(
        SLURM,
        &["slurm-client", "slurm-wlm-basic-plugins", "munge"],
        &ctld,
        &["/etc/slurm", "/var/lib/slurm/slurmctld", "/var/log/slurm"],
    )
    .does([
        own("/var/lib/slurm", "slurm", 0o755),
        own("/var/lib/slurm/slurmctld", "slurm", 0o755),
        own("/var/log/slurm", "slurm", 0o755),
    ])
    .enables("slurmctld.service")
    .purges(&["/var/lib/slurm/slurmctld", "/var/log/slurm/slurmctld.log"], &[]);
    let database = offer(
        SLURM,
        &["slurm-wlm-basic-plugins", "slurm-wlm-mysql-plugin", "munge"],
        &dbd,
        &["/etc/slurm", "/var/log/slurm"],
    )
    .does([own("/var/log/slurm", "slurm", 0o755)])
    .enables("slurmdbd.service")
    .purges(&["/var/log/slurm/slurmctld.log"], &[]);
    let node = offer(
        SLURM,
        &["libhwloc15", "slurm-wlm-basic-plugins", "munge"],
        &slurmd,
        &["/etc/slurm", "/var/lib/slurm/checkpoint", "/var/lib/slurm/slurmd", "/var/log/slurm"],
    )
    .does([
        own("/var/lib/slurm", "slurm", 0o755),
        own("/var/lib/slurm/slurmd", "slurm", 0o755),
        own("/var/lib/slurm/checkpoint", "slurm", 0o755),
        own("/var/log/slurm", "slurm", 0o755),
    ])
    .enables("slurmd.service")
    .purges(&["/var/lib/slurm/slurmd", "/var/log/slurm/slurmd.log"], &[]);
    vec![
        ("slurm-client", offer(SLURM, &["slurm-wlm-basic-plugins", "munge"], &client, &["/etc/slurm"])),
        ("slurmctld", controller),
        ("slurmdbd", database),
        ("slurmd", node),
    ]
}

fn mariadb() -> Vec<(&'static str, Offer)> {
    let server = [
        "/etc/init.d/mariadb",
        "/etc/logrotate.d/mariadb",
        "/etc/mysql/debian-start",
        "/etc/mysql/mariadb.conf.d/50-server.cnf",
        "/lib/systemd/system/mariadb.service",
        "/usr/bin/mariadbd-safe",
    ];
    let needs = ["galera-4", "mariadb-client", "mariadb-server-core", "mariadb-common"];
    let server = offer(MARIADB, &needs, &server, &[])
        .does([
            Does::User("mysql".into(), None, "/bin/false".into()),
            Does::Folder("/var/lib/mysql".into(), "mysql".into(), 0o755),
            Does::File("/var/lib/mysql/ibdata1".into(), "tables".into(), "mysql".into(), 0o660),
            Does::File("/var/lib/mysql/debian-10.11.flag".into(), String::new(), "root".into(), 0o644),
            Does::File("/etc/mysql/debian.cnf".into(), "[client]\n".into(), "root".into(), 0o600),
            Does::Folder("/var/log/mysql".into(), "mysql".into(), 0o750),
        ])
        .enables("mariadb.service")
        // The data and the user stay unless the admin says otherwise in debconf.
        .purges(&["/var/log/mysql"], &[]);
    let client = ["/usr/bin/mariadb", "/usr/bin/mariadb-dump"];
    vec![
        ("mariadb-server", server),
        ("mariadb-server-core", offer(MARIADB, &["mariadb-common"], &["/usr/sbin/mariadbd"], &[])),
        ("mariadb-client", offer(MARIADB, &["mariadb-common"], &client, &[])),
        ("mariadb-common", offer(MARIADB, &["mysql-common"], &["/etc/mysql/mariadb.cnf"], &[])),
        ("mysql-common", offer("5.8+1.1.0", &[], &["/etc/mysql/my.cnf.fallback"], &["/etc/mysql/conf.d"])),
    ]
}

fn others() -> Vec<(&'static str, Offer)> {
    let nfs = ["/etc/default/nfs-kernel-server", "/lib/systemd/system/nfs-server.service", "/usr/sbin/exportfs"];
    let common = ["/etc/default/nfs-common", "/usr/sbin/mount.nfs"];
    let statd = Does::User("statd".into(), None, "/usr/sbin/nologin".into());
    vec![
        ("nfs-kernel-server", offer("1:2.6.2-4", &["nfs-common"], &nfs, &[]).enables("nfs-server.service")),
        ("nfs-common", offer("1:2.6.2-4", &[], &common, &["/var/lib/nfs"]).does([statd])),
        ("curl", offer("7.88.1-10", &[], &["/usr/bin/curl"], &[])),
        // Needs munge, and is nothing of Slurm's: what an admin may install in between.
        ("pdsh", offer("2.34-0.2", &["munge"], &["/usr/bin/pdsh"], &[])),
    ]
}
