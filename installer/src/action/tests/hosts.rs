//! Hosts that actions are tried on.
use std::path::Path;

use super::samples::strings;
use crate::host::fake::Fake;
use crate::host::{Attributes, Host as _, NewUser, UnitVerb, User};

/// As it is installed.
pub fn bare() -> Fake {
    Fake::debian_12("head1")
}

/// With packages, and their daemons up and enabled.
pub fn with(packages: &[&str], files: &[(&str, &str)], units: &[&str]) -> Fake {
    let fake = bare();
    fake.change(|world| world.install(&strings(packages))).unwrap();
    for (path, text) in files {
        fake.put_file(path, text, 0o644);
    }
    fake.change(|world| {
        let (uid, gid) = (world.uid("slurm"), world.gid("slurm"));
        let _ = world.tree.set_attributes(Path::new("/etc/slurm/slurmdbd.conf"), Attributes { mode: 0o600, uid, gid });
        for unit in units {
            world.set_unit(unit, UnitVerb::Enable).unwrap();
            world.set_unit(unit, UnitVerb::Start).unwrap();
        }
    });
    fake
}

const SLURM_CONF: &str = "ClusterName=hpc\nSlurmctldHost=head1\nNodeName=node[1-2] CPUs=2\n";

pub fn cluster() -> Fake {
    with(
        &["munge", "slurmctld", "slurmdbd", "slurm-client", "mariadb-server"],
        &[("/etc/slurm/slurm.conf", SLURM_CONF), ("/etc/slurm/slurmdbd.conf", "DbdHost=head1\n")],
        &["munge.service", "mariadb.service", "slurmdbd.service", "slurmctld.service"],
    )
}

pub fn with_dashboard() -> Fake {
    let fake = cluster();
    fake.put_file("/etc/slurmdash/slurmdash.yaml", "listen: 0.0.0.0:8443\n", 0o644);
    fake.put_file("/usr/local/bin/slurmdash", "an older slurmdash", 0o755);
    fake.put_file("/etc/systemd/system/slurmdash.service", "[Service]\n", 0o644);
    fake.change(|world| {
        world.set_unit("slurmdash.service", UnitVerb::Enable).unwrap();
        world.set_unit("slurmdash.service", UnitVerb::Start).unwrap();
    });
    add_system_user(&fake, "slurmdash", 902);
    fake
}

pub fn add_system_user(fake: &Fake, name: &str, number: u32) {
    let user = User {
        name: name.into(),
        uid: number,
        gid: number,
        comment: "a comment".into(),
        home: "/nonexistent".into(),
        shell: "/usr/sbin/nologin".into(),
    };
    fake.change(|world| {
        world.add_group(name, number).unwrap();
        world.add_user(&NewUser { user, with_home: false }).unwrap();
    });
}

pub fn with_identities() -> Fake {
    let fake = bare();
    add_system_user(&fake, "munge", 901);
    add_system_user(&fake, "slurm", 64030);
    fake
}

/// Slurm's configuration and munge's key by hand, without packages.
pub fn by_hand() -> Fake {
    let fake = with_identities();
    fake.put_file("/etc/munge/munge.key", "the site's own key", 0o400);
    fake.put_file("/etc/slurm/site.conf", "ClusterName=old\n", 0o640);
    fake.put_file("/etc/slurm/prolog.d/10-site", "#!/bin/sh\n", 0o755);
    fake.put_file("/etc/default/slurmctld", "SLURMCTLD_OPTIONS=-v\n", 0o600);
    fake.put_file("/etc/logrotate.d/slurmctld", "# ours since 2009\n", 0o640);
    fake.put_file("/var/lib/slurm/slurmctld/job_state", "jobs", 0o600);
    fake.put_file("/var/log/slurm/slurmctld.log", "old lines\n", 0o640);
    fake.change(|world| {
        world.make_directories(Path::new("/var/log/munge"), 0o750).unwrap();
        world.groups[0].members.push("munge".into());
    });
    fake
}

/// With munge that does not run.
pub fn stopped() -> Fake {
    let fake = with(&["munge"], &[], &[]);
    // Somebody has started it once.
    fake.put_file("/var/lib/munge/munge.seed", "seed", 0o600);
    fake.put_file("/var/log/munge/munged.log", "lines", 0o600);
    fake.set_unit("munge.service", UnitVerb::Disable).unwrap();
    fake
}

/// With munge that runs.
pub fn running() -> Fake {
    with(&["munge"], &[], &["munge.service"])
}

/// With the dashboard and its admin.
pub fn with_admin() -> Fake {
    let fake = with_dashboard();
    fake.change(|world| world.dashboard.insert("admin".into(), "pw".into()));
    fake
}
