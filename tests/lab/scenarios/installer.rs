//! The installer, called on a host through its sshd as an admin would.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lab::run::LIMIT;
use lab::{Host, Ran};

use crate::journal::started;
use crate::stage::{PROGRAM, Stage};

/// Exit code of `--plan` when something is to be changed.
pub const CHANGES: i32 = 2;
/// Exit code when hosts were left out.
pub const LEFT_OUT: i32 = 3;

/// Runs `slurmdash install …` to its end; an error with everything it said unless it ends with `code`.
pub fn install(stage: &Stage, host: &Host<'_>, arguments: &[&str], code: i32) -> Result<Ran> {
    Running::start(stage, host, arguments)?.ends_with(code)
}

/// Checks that what it said has all these words in it.
pub fn says(ran: &Ran, words: &[&str]) -> Result<()> {
    let said = format!("{}\n{}", ran.stdout, ran.stderr).to_lowercase();
    for word in words {
        if !said.contains(&word.to_lowercase()) {
            bail!("it does not say '{word}': {ran}");
        }
    }
    Ok(())
}

/// An installer that runs.
pub struct Running<'stage> {
    stage: &'stage Stage,
    command: String,
    child: Child,
    output: [File; 2],
    /// So much of what it shows at a terminal was read, bytes.
    read: usize,
    begun: Instant,
}

impl<'stage> Running<'stage> {
    /// Starts `slurmdash install …`.
    pub fn start(stage: &'stage Stage, host: &Host<'_>, arguments: &[&str]) -> Result<Self> {
        Self::begin(stage, host, arguments, &[], Stdio::null())
    }

    /// Starts `slurmdash install …` at a terminal of its own, which ssh makes in the host: somebody can be asked.
    pub fn at_a_terminal(stage: &'stage Stage, host: &Host<'_>, arguments: &[&str]) -> Result<Self> {
        Self::begin(stage, host, arguments, &["-tt"], Stdio::piped())
    }

    fn begin(
        stage: &'stage Stage,
        host: &Host<'_>,
        arguments: &[&str],
        options: &[&str],
        stdin: Stdio,
    ) -> Result<Self> {
        let mut words = vec![PROGRAM, "install"];
        words.extend(arguments);
        let mut argv = host.ssh_argv(&words, 5);
        argv.splice(1..1, options.iter().map(Into::into));
        let output = [tempfile::tempfile()?, tempfile::tempfile()?];
        let child = Command::new(&argv[0])
            .args(&argv[1..])
            .stdin(stdin)
            .stdout(output[0].try_clone()?)
            .stderr(output[1].try_clone()?)
            .spawn()?;
        let command = format!("{}: slurmdash install {}", host.name(), arguments.join(" "));
        stage.say(&command);
        Ok(Self { stage, command, child, output, read: 0, begun: Instant::now() })
    }

    /// Types something at its terminal.
    pub fn types(&mut self, keys: &str) -> Result<()> {
        self.stage.say(&format!("  typed: {keys:?}"));
        let terminal = self.child.stdin.as_mut().context("it is at no terminal")?;
        terminal.write_all(keys.as_bytes())?;
        Ok(terminal.flush()?)
    }

    /// Waits until its terminal shows these words, after those that were waited for before.
    pub fn shows(&mut self, words: &str) -> Result<()> {
        loop {
            // What is read here is written on by ssh: the place of the file is left alone.
            let mut shown = vec![0; usize::try_from(self.output[0].metadata()?.len())?];
            self.output[0].read_exact_at(&mut shown, 0)?;
            let new = String::from_utf8_lossy(&shown[self.read..]).into_owned();
            if new.contains(words) {
                self.read = shown.len();
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || self.begun.elapsed() > LIMIT {
                bail!("it does not show '{words}', but: {new}");
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits until it begins a step that is meant; `None` when it ends without.
    ///
    /// `host` is the one it runs on. Steps that were begun before it was started don't count.
    pub fn begins(&mut self, host: &Host<'_>, before: usize, meant: impl Fn(&str) -> bool) -> Result<Option<String>> {
        loop {
            if let Some(step) = started(host).into_iter().skip(before).find(|step| meant(step)) {
                return Ok(Some(step));
            }
            if self.child.try_wait()?.is_some() {
                return Ok(None);
            }
            if self.begun.elapsed() > LIMIT {
                bail!("no such step within {} s", LIMIT.as_secs());
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end, which must come with this exit code.
    pub fn ends_with(self, code: i32) -> Result<Ran> {
        let stage = self.stage;
        let ran = self.end()?;
        if ran.code != Some(code) {
            bail!("not exit code {code}: {ran}");
        }
        stage.say(&format!("  exit code {code} after {:.1} s", ran.took.as_secs_f64()));
        Ok(ran)
    }

    /// Waits for its end.
    pub fn end(mut self) -> Result<Ran> {
        let code = loop {
            if let Some(status) = self.child.try_wait()? {
                break status.code();
            }
            if self.begun.elapsed() > LIMIT {
                self.child.kill()?;
                self.child.wait()?;
                break None;
            }
            sleep(Duration::from_millis(10));
        };
        let took = self.begun.elapsed();
        let [stdout, stderr] = self.output.map(text);
        Ok(Ran { command: self.command, code, stdout: stdout?, stderr: stderr?, took })
    }

    /// Gives up on it: the host it ran on has lost its power.
    pub fn abandon(mut self) -> Result<String> {
        self.child.kill()?;
        self.child.wait()?;
        let [stdout, _] = self.output.map(text);
        stdout
    }
}

fn text(mut file: File) -> Result<String> {
    use std::io::Seek as _;
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).context("output")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
