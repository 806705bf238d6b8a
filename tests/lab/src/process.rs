//! Processes that outlive the call that started them: found again by an id that was written down, and believed only while
//! the command line is the one that was started.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::run::eventually;

/// Reads until whoever has started it is gone, then kills all that is in cgroups whose paths begin so.
const KILL_AT_THE_END: &str = r#"cat >/dev/null; for f in "$1"*/cgroup.kill; do [ ! -e "$f" ] || echo 1 >"$f"; done"#;

/// Puts itself into the cgroups named before `--`, then becomes the program.
const INTO_CGROUPS: &str =
    r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 70; shift; done; shift; exec "$@""#;

/// Starts a program in a session of its own, in the given cgroups, and writes down its id.
pub fn start(argv: &[String], cgroups: &[PathBuf], output: &Path, id: &Path) -> Result<()> {
    let console = File::create(output)?;
    let mut command = Command::new("sh");
    command.args(["-c", INTO_CGROUPS, "sh"]).args(cgroups).args(["--", "setsid"]);
    let child = command
        .args(argv)
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
        .stdin(Stdio::null())
        .stdout(console.try_clone()?)
        .stderr(console)
        .spawn()
        .context("sh")?;
    fs::write(id, child.id().to_string())?;
    Ok(())
}

/// Kills what is in cgroups whose paths begin with `prefix` when this process ends, however that comes: the answer is to
/// be kept until then.
pub fn watch(prefix: &Path) -> Result<Child> {
    Command::new("sh")
        .args(["-c", KILL_AT_THE_END, "sh"])
        .arg(prefix)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // Who kills a test may kill its whole process group.
        .process_group(0)
        .spawn()
        .context("sh")
}

/// Where cgroups of the lab are, in each tree that systemd looks at; the first is of version 2.
pub fn cgroups() -> Vec<PathBuf> {
    let top = Path::new("/sys/fs/cgroup");
    let trees = if top.join("cgroup.controllers").exists() {
        vec![top.to_path_buf()]
    } else {
        ["unified", "systemd"].map(|tree| top.join(tree)).into_iter().filter(|tree| tree.is_dir()).collect()
    };
    trees.into_iter().map(|tree| tree.join("slurmdash-lab")).collect()
}

/// Kills everything in a cgroup and below, at once. None is good too; one of version 1 has no such switch.
pub fn kill_all(cgroup: &Path) -> Result<()> {
    let switch = cgroup.join("cgroup.kill");
    if switch.exists() { fs::write(&switch, "1").with_context(|| switch.display().to_string()) } else { Ok(()) }
}

/// The id that was written down, when a process with that id has `mark` in its command line. A zombie has none.
pub fn running(id: &Path, mark: &str) -> Option<Pid> {
    let pid = fs::read_to_string(id).ok()?.trim().parse::<i32>().ok()?;
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    if line.contains(mark) { Pid::from_raw(pid) } else { None }
}

/// A child of a process, by its program's name.
pub fn child(parent: Pid, name: &str) -> Option<Pid> {
    fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok()).find_map(
        |pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // `pid (name) state ppid …`; the name may hold anything, so its end is the last parenthesis.
            let (before, after) = stat.rsplit_once(") ")?;
            let of = after.split(' ').nth(1)?.parse::<i32>().ok()?;
            let called = before.split_once('(')?.1;
            if of == parent.as_raw_nonzero().get() && called == name { Pid::from_raw(pid) } else { None }
        },
    )
}

/// Ends a process at once. That it is gone already is good too.
pub fn kill(pid: Pid) -> Result<()> {
    match kill_process(pid, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("kill {pid:?}")),
    }
}

/// Ends what was written down, and waits for its end.
pub fn end(id: &Path, mark: &str) -> Result<()> {
    if let Some(pid) = running(id, mark) {
        kill(pid)?;
        eventually(&format!("the end of {mark}"), Duration::from_secs(20), || {
            Ok(running(id, mark).is_none().then_some(()))
        })?;
    }
    match fs::remove_file(id) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("id"),
        _ => Ok(()),
    }
}
