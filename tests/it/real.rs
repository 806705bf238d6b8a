//! A real Slurm with people, an sshd and accounting: the one that the environment names (`cargo xtask test` brings it up),
//! or one that `tests/cluster/slurm.sh` brings up for the test and that can't outlive it.
//!
//! Where there can be none the test prints why it was skipped and passes, unless `CI=true`. A test on a real cluster has
//! `real` as a word of its name: such tests run one after the other, because the cluster's clock, nodes and accounts are
//! the machine's.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tokio::sync::{Mutex, MutexGuard};

/// What one of our own is brought up with.
const SHAPE: [&str; 6] = ["up", "4", "--until-eof", "--people", "--accounting", "--other-host"];
/// TCP ports that a cluster of four takes.
const PORTS: u16 = 7;
/// One at a time in this process; between processes nextest sees to it.
static TURN: Mutex<()> = Mutex::const_new(());

/// A real cluster: the environment's, or one of our own that ends with this value.
pub struct RealCluster {
    /// slurm.conf.
    pub conf: PathBuf,
    settings: BTreeMap<String, String>,
    _own: Option<Own>,
    _turn: MutexGuard<'static, ()>,
}

/// A host that people log in to.
pub struct LoginHost {
    /// Where its sshd listens.
    pub address: SocketAddr,
    /// Its line for a file of known hosts.
    pub known_host: String,
    /// What its sshd writes: every login with its certificate's key id.
    pub log: PathBuf,
}

/// A cluster that the harness brought up. It ends when `holder` does, which this process's end sees to.
struct Own {
    dir: tempfile::TempDir,
    port: u16,
    holder: Child,
}

impl RealCluster {
    /// The cluster for a test, alone; `None` after having said why the test is skipped.
    #[expect(clippy::print_stdout, reason = "the reason is read from the output")]
    pub async fn or_skip(test: &str) -> Option<Self> {
        match Self::find().await {
            Ok(cluster) => Some(cluster),
            Err(reason) => {
                let words = format!("SKIPPED {test}: {reason}");
                assert!(std::env::var("CI").as_deref() != Ok("true"), "{words}, and with CI=true it has to run");
                println!("{words}");
                None
            }
        }
    }

    /// The cluster to test with, or why there is none.
    async fn find() -> Result<Self, String> {
        let turn = TURN.lock().await;
        let (settings, own) = match std::env::var("SLURMDASH_TEST_SLURM_CONF") {
            Ok(_) => (std::env::vars().filter(|(name, _)| name.starts_with("SLURMDASH_TEST_")).collect(), None),
            Err(_) => Own::up().map(|(own, settings)| (settings, Some(own)))?,
        };
        let conf = settings["SLURMDASH_TEST_SLURM_CONF"].clone().into();
        let cluster = Self { conf, settings, _own: own, _turn: turn };
        for (part, option) in [("PEOPLE", "--people"), ("ACCOUNTING", "--accounting"), ("OTHER_SSH", "--other-host")] {
            if cluster.setting(part).is_empty() {
                return Err(format!("the cluster of SLURMDASH_TEST_SLURM_CONF was brought up without {option}"));
            }
        }
        Ok(cluster)
    }

    fn setting(&self, name: &str) -> &str {
        self.settings.get(&format!("SLURMDASH_TEST_{name}")).map_or("", String::as_str)
    }

    /// The people: two ordinary ones, and one who may act on everybody's jobs.
    pub fn people(&self) -> [&str; 3] {
        let names: Vec<&str> = self.setting("PEOPLE").split(' ').collect();
        names.try_into().expect("three people")
    }

    /// The Unix user without privileges that a server is run as.
    pub fn service(&self) -> &str {
        self.setting("SERVICE")
    }

    /// The login host, which is also this one.
    pub fn login_host(&self) -> LoginHost {
        self.host("SSH")
    }

    /// A login host with another network, where our program is not to be found.
    pub fn other_host(&self) -> LoginHost {
        self.host("OTHER_SSH")
    }

    fn host(&self, prefix: &str) -> LoginHost {
        LoginHost {
            address: self.setting(prefix).parse().expect("an address"),
            known_host: self.setting(&format!("{prefix}_KNOWN_HOST")).to_owned(),
            log: self.setting(&format!("{prefix}D_LOG")).into(),
        }
    }

    /// A private key that lets one log in as any of the people.
    pub fn key(&self) -> PathBuf {
        self.setting("SSH_KEY").into()
    }

    /// Makes sshd accept certificates of these authorities, one public key a line.
    pub fn trust(&self, authorities: &str) {
        let file = PathBuf::from(self.setting("SSH_CA"));
        // At once, for a login that reads it just now.
        let new = file.with_extension("new");
        std::fs::write(&new, authorities).unwrap();
        std::fs::rename(&new, file).unwrap();
    }

    /// A folder that everybody can reach, for a server's files; it ends with the value.
    pub fn open_folder() -> tempfile::TempDir {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        tempfile::Builder::new().prefix("slurmdash-it-").permissions(mode).tempdir_in("/tmp").unwrap()
    }

    /// Runs one of Slurm's commands as root; answers its output.
    pub fn as_root(&self, command: &str, arguments: &[&str]) -> String {
        let output = Command::new(command).args(arguments).env("SLURM_CONF", &self.conf).output().unwrap();
        text(&output, &format!("{command} {arguments:?}"))
    }

    /// Runs a command over ssh as one of the people; answers its output.
    pub fn as_person(&self, person: &str, command: &str) -> String {
        let host = self.login_host();
        let folder = Self::open_folder();
        let known = folder.path().join("known_hosts");
        std::fs::write(&known, format!("{}\n", host.known_host)).unwrap();
        let output = Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o"])
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-i")
            .arg(self.key())
            .args(["-p", &host.address.port().to_string(), &format!("{person}@{}", host.address.ip()), command])
            .output()
            .unwrap();
        text(&output, command)
    }
}

/// What a command printed, which has to end well.
fn text(output: &Output, what: &str) -> String {
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

impl Own {
    /// Brings one up; answers it with the settings that reach it, or why there can be none.
    fn up() -> Result<(Self, BTreeMap<String, String>), String> {
        // Short: munge's socket has to fit into 108 bytes.
        let dir = tempfile::Builder::new().prefix("sd").tempdir_in("/tmp").map_err(|error| error.to_string())?;
        let port = free_ports().ok_or("no free ports on the loopback")?;
        let holder = harness(dir.path(), port, &SHAPE).spawn().map_err(|error| error.to_string())?;
        // From here on it is taken down whatever happens.
        let mut own = Self { dir, port, holder };
        // wait() would close the input that keeps the cluster up.
        let input = own.holder.stdin.take();
        let mut said = String::new();
        if let Some(mut stderr) = own.holder.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said).map_err(|error| error.to_string())?;
        }
        let status = own.holder.wait().map_err(|error| error.to_string())?;
        own.holder.stdin = input;
        let reason = said.lines().rev().find_map(|line| line.strip_prefix("slurm.sh: can't run here: "));
        match (status.code(), reason) {
            (Some(0), _) => {
                let settings = harness(own.dir.path(), port, &["env"]).output().map_err(|error| error.to_string())?;
                let settings = settings_of(&String::from_utf8_lossy(&settings.stdout));
                Ok((own, settings))
            }
            (Some(77), Some(reason)) => Err(reason.to_owned()),
            _ => panic!("tests/cluster/slurm.sh up: {status}\n{said}"),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // When this fails, the end of the holder's input does it a little later.
        let _ = harness(self.dir.path(), self.port, &["down"]).status();
        drop(self.holder.stdin.take());
    }
}

/// From `export NAME='value' NAME='value'`.
fn settings_of(text: &str) -> BTreeMap<String, String> {
    let pairs = text.trim().trim_start_matches("export ").split("' ").filter_map(|one| one.split_once("='"));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_end_matches('\'').to_owned())).collect()
}

fn harness(dir: &Path, port: u16, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/slurm.sh"))
        .args(args)
        .env("SLURMDASH_CLUSTER_DIR", dir)
        .env("SLURMDASH_CLUSTER_PORT", port.to_string())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The first of some neighbouring ports that are free now.
fn free_ports() -> Option<u16> {
    let begin = 20_000 + u16::try_from(std::process::id() % 1000).unwrap_or(0) * 10;
    let free = |port: &u16| (0..PORTS).all(|nth| std::net::TcpListener::bind(("127.0.0.1", port + nth)).is_ok());
    (begin..begin + 1000).step_by(10).find(free)
}
