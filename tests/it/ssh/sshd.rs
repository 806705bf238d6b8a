//! A real sshd on the loopback with users of its own, for one test.
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use slurmdash::clock::Clock;
use slurmdash::hands::{self, Hands, Output};
use slurmdash::ssh::{Ca, Issued, Pool, Settings};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_slurmdash");

/// A running sshd that trusts a certificate authority.
pub struct Sshd {
    pub dir: TempDir,
    pub port: u16,
    child: Child,
    users: Vec<String>,
}

/// Why there can be none here; with `CI=true` that is a failure.
fn cannot(reason: &str) {
    let words = format!("SKIPPED real sshd: {reason}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{words}, and with CI=true it has to run");
    #[expect(clippy::print_stdout, reason = "why a test was skipped is reported")]
    {
        println!("{words}");
    }
}

fn run(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).output().unwrap();
    assert!(done.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Sshd {
    /// Starts one, or says why that can't be.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts one with more lines in its configuration.
    pub fn start_with(more: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            cannot("it needs root");
            return None;
        }
        if !Path::new("/usr/sbin/sshd").exists() {
            cannot("/usr/sbin/sshd is missing (Debian: openssh-server)");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("slurmdash-sshd-").tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir_all("/run/sshd").unwrap();
        let path = |name: &str| dir.path().join(name);
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", path("host").to_str().unwrap()]);
        let ca = Ca::open(&path("ca")).unwrap();
        std::fs::write(path("trusted"), ca.keys().unwrap().remove(0).line).unwrap();
        // Below those that connections take by themselves: nobody has it by the time sshd does.
        let mut ports = (0..100).map(|_| 20_000 + u16::from_le_bytes(slurmdash::random::bytes().unwrap()) % 12_000);
        let port = ports.find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok()).unwrap();
        let mut sshd = Self { port, child: Command::new("true").spawn().unwrap(), users: Vec::new(), dir };
        let host = std::fs::read_to_string(sshd.path("host.pub")).unwrap();
        sshd.know(&host);
        sshd.configure(more);
        sshd.up();
        Some(sshd)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn ca(&self) -> Ca {
        Ca::open(&self.path("ca")).unwrap()
    }

    /// The known hosts are this host's key alone.
    pub fn know(&self, key: &str) {
        std::fs::write(self.path("known_hosts"), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
    }

    /// sshd's configuration, with more lines, which win.
    pub fn configure(&self, more: &str) {
        let dir = self.dir.path().display();
        let text = format!(
            "{more}HostKey {dir}/host\nTrustedUserCAKeys {dir}/trusted\nAuthorizedKeysFile none\nUsePAM yes\n\
             PasswordAuthentication no\nMaxSessions 100\nMaxStartups 500:30:500\nLogLevel VERBOSE\nPidFile none\n\
             AllowTcpForwarding yes\nAllowStreamLocalForwarding yes\nPrintMotd no\n"
        );
        std::fs::write(self.path("sshd_config"), text).unwrap();
    }

    /// Starts it, and waits until it listens.
    pub fn up(&mut self) {
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-f"]).arg(self.path("sshd_config"));
        command.args(["-p", &self.port.to_string(), "-o", "ListenAddress=0.0.0.0", "-E"]).arg(self.path("log"));
        self.child = command.stdin(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "sshd did not come up: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the listener; sessions stay.
    pub fn down(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends every session of a user, as a cut cable would.
    pub fn cut(user: &str) {
        // sshd's own title for a session; nothing else begins like that.
        let pattern = format!("^sshd: {user}(@| |$)");
        let _ = Command::new("pkill").args(["-KILL", "-f", &pattern]).status();
    }

    /// Connections under way, signed in or not.
    pub fn connections(&self) -> Vec<i32> {
        let listener = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{listener}/task/{listener}/children"));
        children.unwrap_or_default().split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    /// A host that goes away in the middle of everything: no listener, no connections.
    pub fn crash(&mut self) {
        let connections = self.connections();
        self.down();
        for pid in connections {
            let _ = rustix::process::kill_process(
                rustix::process::Pid::from_raw(pid).unwrap(),
                rustix::process::Signal::KILL,
            );
        }
    }

    /// A new user with this password.
    pub fn user_with(&mut self, password: &str) -> String {
        let name = self.user();
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        chpasswd.stdin.take().unwrap().write_all(format!("{name}:{password}\n").as_bytes()).unwrap();
        assert!(chpasswd.wait().unwrap().success());
        name
    }

    /// A new user with a home of their own.
    pub fn user(&mut self) -> String {
        let name = format!("sdt{}", &slurmdash::random::id().unwrap()[..8]);
        let home = self.path(&name);
        run("useradd", &["-m", "-d", home.to_str().unwrap(), "-s", "/bin/bash", "-c", "slurmdash test", &name]);
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
        self.users.push(name.clone());
        name
    }

    pub fn remove_user(&mut self, name: &str) {
        Self::cut(name);
        run("userdel", &["-f", name]);
        self.users.retain(|user| user != name);
    }

    /// What sshd has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Sessions that were begun as a user.
    pub fn logins(&self, user: &str) -> usize {
        self.log().lines().filter(|line| line.contains(&format!("Accepted publickey for {user} "))).count()
    }

    pub fn settings(&self) -> Settings {
        Settings {
            host: "127.0.0.1".into(),
            port: self.port,
            known_hosts: self.path("known_hosts"),
            min_uid: 1000,
            source_addresses: Vec::new(),
            agent_path: Some(PROGRAM.into()),
            program: PROGRAM.into(),
            max_connections: 8,
            idle: Duration::from_mins(5),
        }
    }

    pub fn pool(&self) -> Arc<Pool> {
        self.pool_with(self.settings()).0
    }

    pub fn pool_with(&self, settings: Settings) -> (Arc<Pool>, UnboundedReceiver<Issued>) {
        let (issued, certificates) = unbounded_channel();
        (Arc::new(Pool::new(settings, self.ca(), Clock::system(), issued)), certificates)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for user in self.users.clone() {
            Self::cut(&user);
            let _ = Command::new("userdel").args(["-f", &user]).output();
        }
        let _ = std::io::stdout().flush();
    }
}

/// Runs a command and gives what it printed.
pub async fn said(hands: &dyn Hands, program: &str, args: &[&str]) -> String {
    let Output { stdout, stderr, code, .. } =
        hands.run(&hands::Command::new(program).args(args.iter().copied())).await.unwrap();
    assert_eq!(code, Some(0), "{program} {args:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().trim_end().to_owned()
}
