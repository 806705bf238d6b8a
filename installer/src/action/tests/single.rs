//! What single kinds do besides: what they refuse, and what they show.
use std::path::Path;

use super::change;
use super::hosts::{bare, with_identities};
use super::samples::{materials, sample_named as sample, setting};
use crate::action::*;
use crate::bytes::sha256;
use crate::host::fake::Fake;
use crate::host::fake::commands::{failed, said};
use crate::host::{Host, HostError, Package};

fn write(path: &str, text: &str, check: Option<&[&str]>) -> WriteFile {
    WriteFile {
        path: path.into(),
        content: Content::Text(text.into()),
        owner: "root".into(),
        group: "root".into(),
        mode: 0o644,
        check: check.map(|words| words.iter().map(|&word| word.to_owned()).collect()),
    }
}

#[test]
fn a_file_changed_by_hand_is_shown_and_kept() {
    let fake = bare();
    fake.put_file("/etc/x.conf", "by hand\n", 0o644);
    let (action, mut setting) = (write("/etc/x.conf", "ours\n", None), setting());
    assert!(!change(action.look(&fake, &setting).unwrap()).drift, "nobody wrote it before");
    setting.written.insert("/etc/x.conf".into(), sha256(b"by hand\n"));
    assert!(!change(action.look(&fake, &setting).unwrap()).drift, "it is as it was written");
    setting.written.insert("/etc/x.conf".into(), sha256(b"written\n"));
    let found = change(action.look(&fake, &setting).unwrap());
    assert!(found.drift && found.summary.contains("by hand"), "{found:?}");
    assert_eq!(found.diff, Some(Diff { before: "by hand\n".into(), after: "ours\n".into() }));
    for _ in 0..2 {
        action.execute(&fake, &setting, &Materials::default()).unwrap();
    }
    assert_eq!(fake.text("/etc/x.conf").as_deref(), Some("ours\n"));
    let kept = Path::new("/var/lib/slurmdash-install/kept/1/etc");
    assert_eq!(fake.list(kept).unwrap(), ["x.conf"], "one copy");
    assert_eq!(fake.read(&kept.join("x.conf")).unwrap(), b"by hand\n");
    assert_eq!(fake.entry(kept).unwrap().unwrap().mode, 0o700);
}

#[test]
fn no_secret_is_shown() {
    let fake = with_identities();
    fake.put_file("/etc/x.conf", "secret of old\n", 0o640);
    let found = change(write("/etc/x.conf", "ours\n", None).look(&fake, &setting()).unwrap());
    assert_eq!(found.diff, None, "not everybody may read the old one");
    let sample = sample("secret file");
    fake.put_file("/etc/munge/munge.key", "old key", 0o644);
    let found = change(sample.action.look(&fake, &setting()).unwrap());
    assert!(found.diff.is_none() && !found.summary.contains("key"), "{found:?}");
    let shown = format!("{:?} {:?} {:?}", sample.action, found, materials());
    assert!(!shown.contains("old key") && !shown.contains("a key"), "{shown}");
}

#[test]
fn a_secret_that_is_another_is_not_written() {
    let mut materials = materials();
    let sample = sample("secret file");
    let fake = (sample.host)();
    materials.0.insert("munge.key".into(), crate::bytes::Bytes(b"another".to_vec()));
    let error = sample.action.execute(&fake, &setting(), &materials).unwrap_err();
    assert!(matches!(error, StepError::Refused(_)), "{error:?}");
    assert_eq!(fake.text("/etc/munge/munge.key"), None);
}

#[test]
fn a_candidate_that_is_not_taken_leaves_nothing() {
    let fake = bare();
    fake.put_file("/etc/x.conf", "good\n", 0o644);
    fake.answer("checker", |world, command| {
        let candidate = command.arguments.last().unwrap();
        assert_eq!(Path::new(candidate).parent(), Some(Path::new("/etc")), "beside its place");
        match world.tree.text(candidate).as_deref() {
            Some("bad\n") => failed(1, &format!("{candidate} line 1: bad")),
            _ => said(""),
        }
    });
    let before = fake.snapshot(&[]);
    let action = write("/etc/x.conf", "bad\n", Some(&["checker", "-t", "{}"]));
    let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert_eq!(error.to_string(), "checker does not take the new /etc/x.conf: /etc/x.conf line 1: bad");
    assert_eq!(before.diff(&fake.snapshot(&[])), "");
    write("/etc/x.conf", "fine\n", Some(&["checker", "-t", "{}"]))
        .execute(&fake, &setting(), &Materials::default())
        .unwrap();
    assert_eq!(fake.text("/etc/x.conf").as_deref(), Some("fine\n"));
}

#[test]
fn what_is_no_regular_file_is_not_written_over() {
    let fake = bare();
    fake.put_file("/etc/target", "theirs\n", 0o644);
    fake.change(|world| {
        world.link("/etc/link", "/etc/target").unwrap();
        let big = vec![0; usize::try_from(crate::host::MAX_FILE).unwrap() + 1];
        let attributes = crate::host::Attributes { mode: 0o644, uid: 0, gid: 0 };
        world.tree.put_any(Path::new("/etc/big"), &big, attributes);
    });
    for (path, words) in [("/etc/link", "symbolic link"), ("/etc/skel", "a folder"), ("/etc/big", "16 MiB")] {
        let action = write(path, "ours\n", None);
        for outcome in
            [action.look(&fake, &setting()).map(drop), action.execute(&fake, &setting(), &Materials::default())]
        {
            let error = outcome.unwrap_err();
            assert!(matches!(&error, StepError::Refused(said) if said.contains(words)), "{path}: {error:?}");
        }
    }
    assert_eq!(fake.text("/etc/target").as_deref(), Some("theirs\n"));
}

#[test]
fn full_disks_and_read_only_folders_are_told_and_change_nothing() {
    for (break_it, errno) in [(Fake::fill_disk as fn(&Fake, &str), 28), (Fake::make_read_only, 30)] {
        let fake = bare();
        let before = fake.snapshot(&[]);
        break_it(&fake, "/etc");
        let action = write("/etc/slurm/x.conf", "ours\n", None);
        let undo = change(action.look(&fake, &setting()).unwrap()).undo;
        let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
        let is_told = matches!(error, StepError::Host(HostError::File { errno: Some(number), .. }) if number == errno);
        assert!(is_told, "{error:?}");
        fake.repair();
        action.revert(&fake, &setting(), &undo).unwrap();
        assert_eq!(before.diff(&fake.snapshot(&[])), "");
    }
}

#[test]
fn a_folder_on_which_something_is_mounted_stays() {
    let fake = bare();
    let sample = sample("new folder");
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    sample.action.execute(&fake, &setting(), &Materials::default()).unwrap();
    fake.put_file("/srv/a/b/c/home/thesis", "words\n", 0o600);
    fake.put_file("/proc/self/mountinfo", "36 35 98:0 / /srv/a/b/c/home rw - nfs4 nas:/home rw\n", 0o444);
    let reverted = sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert!(reverted.left[0].contains("mounted on /srv/a/b/c/home"), "{reverted:?}");
    assert!(fake.text("/srv/a/b/c/home/thesis").is_some());
}

#[test]
fn numbers_of_others_are_refused_by_name() {
    let fake = with_identities();
    let user = |name: &str, uid: u32| AddUser {
        name: name.into(),
        uid,
        group: name.into(),
        groups: Vec::new(),
        comment: String::new(),
        home: "/nonexistent".into(),
        shell: "/usr/sbin/nologin".into(),
        with_home: false,
    };
    let group = |name: &str, gid: u32| AddGroup { name: name.into(), gid };
    let looks = [
        (group("munge", 905).look(&fake, &setting()), "number 901 here, not 905"),
        (group("slurmdash", 901).look(&fake, &setting()), "belongs to the group munge"),
        (user("munge", 905).look(&fake, &setting()), "number 901 here, not 905"),
        (user("slurmdash", 901).look(&fake, &setting()), "belongs to munge"),
    ];
    for (look, words) in looks {
        let error = look.unwrap_err();
        assert!(matches!(&error, StepError::Refused(said) if said.contains(words)), "{words}: {error:?}");
    }
}

#[test]
fn packages_without_a_mirror_say_so_and_leave_nothing() {
    let sample = sample("packages on a bare host");
    let fake = bare();
    let before = fake.snapshot(super::KEPT);
    fake.cut_mirror();
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    let error = sample.action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert!(error.to_string().contains("Could not connect to the mirror"), "{error}");
    sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert_eq!(before.diff(&fake.snapshot(super::KEPT)), "");
}

#[test]
fn what_somebody_else_left_half_installed_stays() {
    let fake = bare();
    fake.install_packages(&["jq".into()]).unwrap();
    fake.change(|world| world.packages.get_mut("jq").unwrap().configured = false);
    let action = InstallPackages { names: vec!["munge".into(), "jq".into()], source: None };
    let undo = change(action.look(&fake, &setting()).unwrap()).undo;
    action.execute(&fake, &setting(), &Materials::default()).unwrap();
    assert_eq!(action.look(&fake, &setting()), Ok(Look::Same));
    action.revert(&fake, &setting(), &undo).unwrap();
    let left: Vec<String> = fake.packages().unwrap().into_iter().map(|package| package.name).collect();
    assert_eq!(left, ["adduser", "jq"]);
}

#[test]
fn packages_of_a_source_that_is_yet_to_come_are_planned_without_asking_anybody() {
    let fake = bare();
    let source = "/etc/apt/sources.list.d/slurmdash.list";
    let action = InstallPackages { names: vec!["adduser".into(), "jq".into()], source: Some(source.into()) };
    let look = |fake: &Fake| action.look(fake, &setting()).unwrap();
    fake.cut_mirror();
    assert_eq!(change(look(&fake)).summary, "installs jq and what they need, from the new source");
    fake.change(|world| world.mirror_down = false);
    fake.put_file(source, "deb [trusted=yes] file:/srv/packages ./\n", 0o644);
    let undo = change(look(&fake)).undo;
    let Undo::Packages(undo) = undo else { panic!("{undo:?}") };
    assert!(undo.coming.iter().any(|package| package.name == "jq"), "{undo:?}");
    action.execute(&fake, &setting(), &Materials::default()).unwrap();
    assert_eq!(look(&fake), Look::Same);
}

#[test]
fn packages_that_nobody_planned_do_not_come() {
    let fake = bare();
    let action = InstallPackages { names: vec!["jq".into()], source: None };
    change(action.look(&fake, &setting()).unwrap());
    // The mirrors have a newer one, which needs more.
    let calls = std::sync::atomic::AtomicU32::new(0);
    let newer = Newer { fake: fake.clone(), calls };
    let error = action.execute(&newer, &setting(), &Materials::default()).unwrap_err();
    assert!(matches!(&error, StepError::Refused(said) if said.contains("libhwloc15")), "{error:?}");
    assert!(!fake.packages().unwrap().iter().any(|package| package.name == "jq"));
}

/// A host whose mirrors are asked, and have another jq from then on.
struct Newer {
    fake: Fake,
    calls: std::sync::atomic::AtomicU32,
}

macro_rules! pass {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> $out { self.fake.$name($($argument),*) })*
    };
}

impl Host for Newer {
    fn refresh_packages(&self) -> Result<(), HostError> {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.fake.change(|world| world.catalogue.get_mut("jq").unwrap().needs.push("libhwloc15".into()));
        Ok(())
    }

    fn install_packages(&self, names: &[String]) -> Result<(), HostError> {
        if self.calls.load(std::sync::atomic::Ordering::Relaxed) == 0 {
            return Err(HostError::Failed { what: "apt-get install".into(), said: "404 Not Found".into() });
        }
        self.fake.install_packages(names)
    }

    fn write(
        &self,
        path: &Path,
        content: &[u8],
        attributes: crate::host::Attributes,
        modified: Option<(i64, u32)>,
    ) -> Result<(), HostError> {
        self.fake.write(path, content, attributes, modified)
    }

    fn pause(&self, duration: std::time::Duration) {
        self.fake.pause(duration);
    }

    pass! {
        entry(path: &Path) -> Result<Option<crate::host::Entry>, HostError>;
        read(path: &Path) -> Result<Vec<u8>, HostError>;
        digest(path: &Path) -> Result<String, HostError>;
        list(path: &Path) -> Result<Vec<String>, HostError>;
        write_program(path: &Path) -> Result<(), HostError>;
        program_digest() -> Result<String, HostError>;
        make_directory(path: &Path, attributes: crate::host::Attributes) -> Result<(), HostError>;
        set_attributes(path: &Path, attributes: crate::host::Attributes) -> Result<(), HostError>;
        remove(path: &Path) -> Result<(), HostError>;
        move_away(path: &Path, to: &Path) -> Result<(), HostError>;
        users() -> Result<Vec<crate::host::User>, HostError>;
        groups() -> Result<Vec<crate::host::Group>, HostError>;
        add_group(name: &str, gid: u32) -> Result<(), HostError>;
        add_user(user: &crate::host::NewUser) -> Result<(), HostError>;
        remove_user(name: &str) -> Result<(), HostError>;
        remove_group(name: &str) -> Result<(), HostError>;
        set_member(group: &str, user: &str, is_member: bool) -> Result<(), HostError>;
        packages() -> Result<Vec<Package>, HostError>;
        would_install(names: &[String]) -> Result<Vec<Package>, HostError>;
        set_versions(packages: &[Package]) -> Result<(), HostError>;
        purge_packages(names: &[String]) -> Result<(), HostError>;
        unit(name: &str) -> Result<crate::host::Unit, HostError>;
        set_unit(name: &str, verb: crate::host::UnitVerb) -> Result<(), HostError>;
        unit_log(name: &str, lines: u32) -> Result<Vec<String>, HostError>;
        run(command: &crate::host::Command) -> Result<crate::host::Output, HostError>;
    }
}

#[test]
fn state_and_logs_are_kept_when_packages_go() {
    let sample = sample("packages on a bare host");
    let fake = bare();
    let before = fake.snapshot(super::KEPT);
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    sample.action.execute(&fake, &setting(), &Materials::default()).unwrap();
    fake.put_file("/etc/slurm/slurm.conf", "ClusterName=hpc\nSlurmctldHost=head1\n", 0o644);
    fake.set_unit("slurmctld.service", crate::host::UnitVerb::Start).unwrap();
    fake.remove(Path::new("/etc/slurm/slurm.conf")).unwrap();
    let reverted = sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert_eq!(before.diff(&fake.snapshot(super::KEPT)), "");
    let kept = "/var/lib/slurmdash-install/kept/1";
    for file in ["var/lib/slurm/slurmctld/clustername", "var/log/slurm/slurmctld.log", "var/lib/mysql/ibdata1"] {
        assert!(fake.text(&format!("{kept}/{file}")).is_some(), "{file}: {reverted:?}");
    }
    assert!(!fake.ran().iter().any(|words| words[0] == "scancel"));
}

#[test]
fn what_slurmd_made_at_a_boot_goes_with_it() {
    let names = vec!["slurmd".to_owned()];
    let action = InstallPackages { names, source: None };
    for was_there in [false, true] {
        let fake = bare();
        if was_there {
            fake.put_file("/var/spool/slurmd/ours", "", 0o600);
        }
        let before = fake.snapshot(super::KEPT);
        let undo = change(action.look(&fake, &setting()).unwrap()).undo;
        action.execute(&fake, &setting(), &Materials::default()).unwrap();
        if !was_there {
            fake.put_file("/var/spool/slurmd/cred_state", "", 0o600);
        }
        let reverted = action.revert(&fake, &setting(), &undo).unwrap();
        assert_eq!((before.diff(&fake.snapshot(super::KEPT)).as_str(), &reverted), ("", &Reverted::wholly()));
    }
}

#[test]
fn packages_that_others_need_stay_with_a_word() {
    let sample = sample("packages after identities");
    let fake = (sample.host)();
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    sample.action.execute(&fake, &setting(), &Materials::default()).unwrap();
    fake.set_unit("munge.service", crate::host::UnitVerb::Start).unwrap();
    (sample.foreign)(&fake);
    let reverted = sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert!(reverted.left.iter().any(|left| left.contains("munge") && left.contains("pdsh")), "{reverted:?}");
    assert!(fake.unit("munge.service").unwrap().is_active(), "it serves the others");
}
