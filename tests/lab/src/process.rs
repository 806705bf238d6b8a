//! Processes that outlive the call that started them: found again by an id that was written down, and believed only while
//! the command line is the one that was started.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::Lifetime;
use crate::run::eventually;

/// Puts itself into the cgroups named before `--`, then becomes the program.
const INTO_CGROUPS: &str =
    r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 70; shift; done; shift; exec "$@""#;

/// Starts a program in a session of its own, in the given cgroups, and writes down its id.
///
/// With [`Lifetime::Test`] the kernel kills it when the thread that calls this ends, so this is called from the thread
/// that the test runs in.
pub fn start(
    argv: &[String],
    cgroups: &[std::path::PathBuf],
    output: &Path,
    id: &Path,
    lifetime: Lifetime,
) -> Result<()> {
    let console = File::create(output)?;
    let mut command = Command::new("sh");
    command.args(["-c", INTO_CGROUPS, "sh"]).args(cgroups).args(["--", "setsid"]);
    if lifetime == Lifetime::Test {
        command.args(["setpriv", "--pdeathsig", "KILL"]);
    }
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
