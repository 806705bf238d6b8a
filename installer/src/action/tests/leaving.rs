//! What is left when everything is undone, with data and without.
use std::path::Path;

use super::change;
use super::hosts::bare;
use super::samples::{materials, sample_named, setting};
use crate::action::*;
use crate::host::Host;

const OWN: &str = "/var/lib/slurmdash-install";

#[test]
fn data_is_kept_or_goes_with_what_it_belongs_to() {
    let cases = [
        ("new user with a home", "/home/cluster/clusteradmin/thesis"),
        ("packages on a bare host", "/var/lib/mysql/ibdata1"),
        ("packages on a bare host", "/var/lib/slurm/slurmctld/job_state"),
        ("new database", "/tmp/nothing"),
    ];
    for (name, data) in cases {
        for keep_data in [true, false] {
            let sample = sample_named(name);
            let fake = (sample.host)();
            let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
            sample.action.execute(&fake, &setting(), &materials()).unwrap();
            fake.put_file(data, "years of work", 0o600);
            let setting = Setting { keep_data, ..setting() };
            let reverted = sample.action.revert(&fake, &setting, &undo).unwrap();
            assert_eq!(reverted.kept.is_empty(), !keep_data, "{name}: {reverted:?}");
            assert_eq!(reverted.left, Vec::<String>::new(), "{name}");
            let copy = format!("{}{data}", setting.keep.display());
            assert!(fake.text(data).is_none() || data.starts_with("/tmp"), "{name}");
            assert_eq!(fake.text(&copy).is_some(), keep_data && !data.starts_with("/tmp"), "{name}: {data}");
            // What is left has no more than notes in it, and goes with them.
            let own = OwnFolder.revert(&fake, &setting, &Undo::Nothing).unwrap();
            assert_eq!(own.kept.is_empty(), !keep_data, "{name}: {own:?}");
            assert_eq!(fake.entry(Path::new(OWN)).unwrap().is_none(), !keep_data, "{name}");
        }
    }
}

#[test]
fn a_home_in_which_something_is_mounted_stays() {
    let sample = sample_named("new user with a home");
    let fake = (sample.host)();
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    sample.action.execute(&fake, &setting(), &materials()).unwrap();
    fake.put_file("/home/cluster/clusteradmin/disk/thesis", "words", 0o600);
    fake.put_file("/proc/self/mountinfo", "36 35 8:1 / /home/cluster/clusteradmin/disk rw - ext4 /dev/sdb rw\n", 0o444);
    let reverted = sample.action.revert(&fake, &Setting { keep_data: false, ..setting() }, &undo).unwrap();
    assert!(reverted.left[0].contains("unmount"), "{reverted:?}");
    assert!(fake.text("/home/cluster/clusteradmin/disk/thesis").is_some());
}

#[test]
fn the_own_folder_goes_but_for_copies() {
    let fake = bare();
    fake.put_file(&format!("{OWN}/bin/slurmdash-0123456789abcdef"), "program", 0o700);
    fake.put_file(&format!("{OWN}/host.lock"), "", 0o600);
    fake.put_file(&format!("{OWN}/kept/1/packages-of-this-run.json"), "[]", 0o600);
    fake.put_file(&format!("{OWN}/kept/traces-of-packages.json"), "{}", 0o600);
    fake.put_file(&format!("{OWN}/kept/2/etc/hosts"), "by hand", 0o600);
    assert_eq!(OwnFolder.look(&fake, &setting()).unwrap(), Look::Same);
    let clear = || OwnFolder.revert(&fake, &setting(), &Undo::Nothing).unwrap();
    assert_eq!(clear().kept, [Path::new(OWN).join("kept/2")]);
    assert_eq!(fake.list(Path::new(OWN)).unwrap(), ["kept"]);
    assert_eq!(fake.list(&Path::new(OWN).join("kept")).unwrap(), ["2"]);
    fake.remove(&Path::new(OWN).join("kept/2/etc/hosts")).unwrap();
    assert_eq!(clear(), Reverted::wholly());
    assert_eq!(fake.entry(Path::new(OWN)).unwrap(), None);
    assert_eq!(clear(), Reverted::wholly());
}
