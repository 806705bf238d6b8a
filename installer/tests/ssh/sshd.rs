//! A real sshd on the loopback, with keys of its own, for whoever runs the test.
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use slurmdash_installer::config::{self, HostKeys};
use slurmdash_installer::reach::{Idle, Program, Ssh, Way};
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// A running sshd.
pub struct Sshd {
    dir: TempDir,
    port: u16,
    child: Child,
    more: String,
}

fn run(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output();
    let done = done.unwrap_or_else(|error| panic!("{program}: {error}; install openssh-client and openssh-server"));
    assert!(done.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Waits until something holds.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The program that is brought.
fn far_end() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().unwrap().parent().unwrap().join("examples/far_end");
    assert!(path.exists(), "{} is missing: run the tests of the whole package, or build --examples", path.display());
    path
}

impl Sshd {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts one with more lines in its configuration.
    pub fn start_with(more: &str) -> Self {
        assert!(Path::new(SSHD).exists(), "{SSHD} is missing: install openssh-server");
        let dir = tempfile::Builder::new().prefix("slurmdash-installer-").tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        // Below those that connections take by themselves, and beginning elsewhere in each process.
        let begin = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = (0..2000).map(|step| 20_000 + (begin - 20_000 + step * 7) % 12_000).find(free).unwrap();
        let child = Command::new("true").spawn().unwrap();
        let mut sshd = Self { dir, port, child, more: more.to_owned() };
        sshd.make_key("host");
        sshd.make_key("key");
        sshd.make_key("other");
        std::fs::copy(sshd.path("key.pub"), sshd.path("authorized_keys")).unwrap();
        sshd.know("host");
        // For whoever is not root: the far end needs no more than its caller has.
        std::fs::create_dir(sshd.path("path")).unwrap();
        let mut sudo = std::fs::File::create(sshd.path("path/sudo")).unwrap();
        writeln!(sudo, "#!/bin/sh\nshift; exec \"$@\"").unwrap();
        drop(sudo);
        run("chmod", &["755", sshd.path("path/sudo").to_str().unwrap()]);
        sshd.up();
        sshd
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn make_key(&self, name: &str) {
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", self.path(name).to_str().unwrap()]);
    }

    /// The known host has this key.
    pub fn know(&self, key: &str) {
        let key = std::fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        std::fs::write(self.path("known_hosts"), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
    }

    /// Starts it, and waits until it listens.
    pub fn up(&mut self) {
        let dir = self.dir.path().display();
        let text = format!(
            "{}\nPort {}\nListenAddress 127.0.0.1\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/authorized_keys\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nPidFile none\nMaxStartups 100\nLogLevel VERBOSE\n\
             SetEnv PATH={dir}/path:/usr/bin:/bin:/usr/sbin:/sbin\n",
            self.more, self.port
        );
        std::fs::write(self.path("sshd_config"), text).unwrap();
        let mut command = Command::new(SSHD);
        command.args(["-D", "-f"]).arg(self.path("sshd_config")).arg("-E").arg(self.path("log"));
        self.child = command.stdin(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "sshd did not come up: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the listener; connections stay.
    pub fn down(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How many signed in.
    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Processes of its connections, all below it, with their names.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let mut found = vec![(i32::try_from(self.child.id()).unwrap(), String::new())];
        let mut next = 0;
        while let Some((parent, _)) = found.get(next).cloned() {
            next += 1;
            let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
            for child in children.unwrap_or_default().split_whitespace() {
                let name = std::fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
                found.push((child.parse().unwrap(), name.trim().to_owned()));
            }
        }
        found.split_off(1)
    }

    /// Far ends that run.
    pub fn far_ends(&self) -> Vec<i32> {
        self.processes().into_iter().filter(|(_, name)| name.starts_with("slurmdash-")).map(|(pid, _)| pid).collect()
    }

    /// Ends all connections as a cut cable does; what runs at their ends stays.
    pub fn cut(&self) {
        for (pid, _) in self.processes().into_iter().filter(|(_, name)| name.starts_with("sshd")) {
            signal(pid, Signal::KILL);
        }
    }

    /// The way there, with the right key and the host's key known.
    pub fn way(&self) -> config::Ssh {
        config::Ssh {
            user: run("id", &["-un"]).trim().to_owned(),
            port: Some(self.port),
            key: Some(self.path("key")),
            jump: None,
            host_keys: HostKeys::Strict,
            parallel: 4,
        }
    }

    pub fn reach(&self) -> Ssh {
        self.reach_by(&self.way(), &Arc::new(Idle::at_most(4)))
    }

    pub fn reach_by(&self, ssh: &config::Ssh, idle: &Arc<Idle>) -> Ssh {
        let way = Way::new(ssh, "127.0.0.1").unwrap().with_known_hosts(&self.path("known_hosts"));
        let program = Program::at(&far_end(), &self.path("bin")).unwrap();
        Ssh::new(way, Arc::new(program), idle.clone())
    }
}

/// Sends a signal to a process that the test started.
pub fn signal(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            signal(pid, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
