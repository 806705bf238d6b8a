//! A `serve --demo` of the program that is measured, ended when it goes out of scope.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running server.
pub struct Server {
    child: Child,
    folder: PathBuf,
    /// From just before exec to the ready file, which is written when the socket listens.
    pub listening_after: Duration,
}

impl Server {
    /// Starts one on a free port and waits until it listens.
    pub fn start(program: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("slurmdash-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let ready = folder.join("ready.json");
        let begin = Instant::now();
        let child = Command::new(program)
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--dir"])
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{}", program.display()))?;
        let mut server = Self { child, folder, listening_after: Duration::ZERO };
        while !ready.is_file() {
            if let Some(status) = server.child.try_wait()? {
                bail!("{} serve --demo ended before it listened: {status}", program.display());
            }
            if begin.elapsed() > Duration::from_secs(30) {
                bail!("{} serve --demo did not listen within 30 s", program.display());
            }
            sleep(Duration::from_micros(200));
        }
        server.listening_after = begin.elapsed();
        Ok(server)
    }

    /// Where it wrote its address and account.
    pub fn ready_file(&self) -> PathBuf {
        self.folder.join("ready.json")
    }

    /// Resident and proportional memory in bytes, when three looks a second apart were equal within 1 %, or after 15.
    pub fn settled_memory(&self) -> Result<(u64, u64)> {
        let mut looks = vec![self.memory()?];
        while looks.len() < 15 {
            sleep(Duration::from_secs(1));
            looks.push(self.memory()?);
            if let [.., (first, _), (second, _), (third, proportional)] = looks[..]
                && first.abs_diff(third).max(second.abs_diff(third)) * 100 <= third
            {
                return Ok((third, proportional));
            }
        }
        looks.last().copied().context("no look at the memory")
    }

    /// Source: proc(5), `smaps_rollup`.
    fn memory(&self) -> Result<(u64, u64)> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let bytes = |key: &str| -> Result<u64> {
            let line =
                text.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("{path}: {key}"))?;
            Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
        };
        Ok((bytes("Rss:")?, bytes("Pss:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
