//! Programs that are run to their end, with a time limit.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

/// How long a program may take when nothing else is said.
pub const LIMIT: Duration = Duration::from_mins(10);

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What was run, for messages.
    pub command: String,
    /// Exit code; `None` when a signal or the time limit ended it.
    pub code: Option<i32>,
    /// What it wrote.
    pub stdout: String,
    /// What it wrote beside.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// Whether it ended with 0.
    pub fn ok(&self) -> bool {
        self.code == Some(0)
    }

    /// Its output, or an error with everything it said.
    pub fn good(self) -> Result<String> {
        if self.ok() { Ok(self.stdout) } else { Err(anyhow!("{self}")) }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}"));
        write!(f, "{}: {code} after {:.1} s", self.command, self.took.as_secs_f64())?;
        for text in [&self.stdout, &self.stderr] {
            if !text.trim().is_empty() {
                write!(f, "\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// Runs a program; an error when it does not end with 0.
pub fn run<S: AsRef<OsStr>>(argv: &[S]) -> Result<String> {
    finish(argv, None, LIMIT)?.good()
}

/// Runs a program to its end, or to the limit, at which it is killed.
pub fn finish<S: AsRef<OsStr>>(argv: &[S], input: Option<&[u8]>, limit: Duration) -> Result<Ran> {
    let [program, arguments @ ..] = argv else { bail!("no program") };
    let shown = argv.iter().map(|word| word.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ");
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| shown.clone())?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take().map(|pipe| thread::spawn(|| read(pipe)));
    let stderr = child.stderr.take().map(|pipe| thread::spawn(|| read(pipe)));
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        // One that does not read to the end says by its exit code what it thinks of that.
        let _ = stdin.write_all(input);
    }
    let code = loop {
        if let Some(status) = child.try_wait()? {
            break status.code();
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let took = begun.elapsed();
    let text = |thread: Option<thread::JoinHandle<String>>| thread.and_then(|t| t.join().ok()).unwrap_or_default();
    Ok(Ran { command: shown, code, stdout: text(stdout), stderr: text(stderr), took })
}

fn read(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asks again and again until there is an answer; an error with `what` when the time is over.
pub fn eventually<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        let answer = ask();
        match answer {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) if begun.elapsed() > limit => {
                return Err(error.context(format!("not within {} s: {what}", limit.as_secs())));
            }
            Ok(None) if begun.elapsed() > limit => bail!("not within {} s: {what}", limit.as_secs()),
            _ => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Where a program is. Daemons live in sbin, which is not on everybody's path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
