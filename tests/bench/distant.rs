//! A run with nothing to do on many hosts that are far away: everything of the real way there but the network. This
//! very program stands in for `ssh`, and lets each word arrive late at the far end of a host in memory.
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::Value;
use slurmdash_installer::clock::Clock;
use slurmdash_installer::config::{self, Config, Role};
use slurmdash_installer::facts::Facts;
use slurmdash_installer::finding::Severity;
use slurmdash_installer::fleet::Fleet;
use slurmdash_installer::host::HostError;
use slurmdash_installer::host::fake::Fake;
use slurmdash_installer::host::fake::commands::said;
use slurmdash_installer::journal::{Caller, Journal};
use slurmdash_installer::plan::{self, Limits, Plan, wanted};
use slurmdash_installer::preflight;
use slurmdash_installer::reach::{Here, Reach, serve};
use slurmdash_installer::run::{self, Control, Ended, Options, Unwatched};
use tempfile::TempDir;

use crate::{figure, secrets, since};

/// As what this program is started when it is to be ssh.
pub const SSH: &str = "ssh";
/// Where the hosts' sockets are.
const FOLDER: &str = "SLURMDASH_BENCH_HOSTS";

/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Before a command runs: TCP, the versions, the key exchange, `ssh-userauth` with the new keys, which ways to sign in
/// there are, whether the key is known, the signature, the channel (RFC 4253, 4252, 4254). The command itself goes
/// with its first answer.
const TO_CONNECT: usize = 8;
/// What a far end says by itself, with the answer to the command.
const GREETINGS: usize = 1;

const CLUSTER: &str = "
cluster: hpc
hosts:
  - {name: head1, address: 203.0.113.1, roles: [controller, database, login, dashboard]}
  - {name: 'node[01-63]', address: '203.0.113.[2-64]', roles: [compute]}
dashboard: {admin: {name: admin, unix_user: ada}}
";

/// A place for the hosts' sockets, the stand-in for ssh, and the journal.
pub struct Hosts(TempDir);

impl Hosts {
    /// A new one.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("slurmdash-bench-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        symlink(std::env::current_exe().unwrap(), folder.path().join("bin").join(SSH)).unwrap();
        Self(folder)
    }

    /// Whatever that program starts as ssh is this one.
    pub fn pass_to(&self, program: &mut Command) {
        let path = std::env::var("PATH").unwrap();
        program.env("PATH", format!("{}/bin:{path}", self.0.path().display())).env(FOLDER, self.0.path());
    }
}

/// In the place of ssh: takes the time that connecting takes, and carries what is said, late.
pub fn relay(arguments: &[String]) {
    let address = arguments.iter().skip_while(|word| *word != "--").nth(1).unwrap();
    std::thread::sleep(ROUND_TRIP * u32::try_from(TO_CONNECT).unwrap());
    let there = UnixStream::connect(socket(&folder(), address)).unwrap();
    let back = there.try_clone().unwrap();
    std::thread::spawn(move || {
        late(io::stdin(), &there);
        // The far end ends with its input.
        let _ = there.shutdown(std::net::Shutdown::Write);
    });
    late(back, io::stdout());
}

/// Carries bytes, each piece half a round trip later than it came, however many are on their way.
fn late(mut from: impl Read, mut to: impl Write + Send) {
    let (pieces, arrivals) = channel::<(Instant, Vec<u8>)>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (at, piece) in arrivals {
                std::thread::sleep((at + ROUND_TRIP / 2).saturating_duration_since(Instant::now()));
                if to.write_all(&piece).and_then(|()| to.flush()).is_err() {
                    return;
                }
            }
        });
        let mut piece = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            if pieces.send((Instant::now(), piece[..count].to_vec())).is_err() {
                return;
            }
        }
        drop(pieces);
    });
}

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).unwrap())
}

fn socket(folder: &Path, address: &str) -> PathBuf {
    folder.join(address)
}

/// A host's sshd and far end: what connects is answered by the host. Counts connections and answers.
#[derive(Default)]
struct Counted {
    connections: AtomicUsize,
    lines: AtomicUsize,
}

impl Counted {
    fn round_trips(&self) -> usize {
        let connections = self.connections.load(Ordering::SeqCst);
        connections * TO_CONNECT + self.lines.load(Ordering::SeqCst)
    }
}

struct Lines<T>(T, Arc<Counted>);

impl<T: Write> Write for Lines<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        self.1.lines.fetch_add(bytes[..count].split(|byte| *byte == b'\n').count() - 1, Ordering::SeqCst);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn listen(fake: Fake, path: &Path) -> Arc<Counted> {
    let (listener, counted) = (UnixListener::bind(path).unwrap(), Arc::new(Counted::default()));
    let counts = counted.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, fake, counts) = (stream.unwrap(), fake.clone(), counts.clone());
            counts.connections.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                let output = io::BufWriter::new(stream.try_clone().unwrap());
                serve(&fake, BufReader::new(stream), Lines(output, counts))
            });
        }
    });
    counted
}

/// A second run, as `slurmdash install` does it: facts, plan, preview, and the end of all connections.
pub fn measure() -> Vec<Value> {
    let (folder, config) = (folder(), config::parse(CLUSTER).unwrap());
    let fakes: BTreeMap<String, Fake> =
        config.hosts.iter().map(|host| (host.name.clone(), fake(&config, &host.name))).collect();
    let caller = Caller { command: vec![String::from("install")], clock: Clock::system() };
    let mut journal = Journal::open(&folder.join("state"), caller).unwrap();
    install(&config, &fakes, &mut journal);

    let address = |name: &String| config.host(name).unwrap().address.clone();
    let counts: Vec<_> =
        fakes.iter().map(|(name, fake)| listen(fake.clone(), &socket(&folder, &address(name)))).collect();
    let begun = Instant::now();
    let fleet = Fleet::of(&config).unwrap();
    let facts = facts(&config, &fleet);
    let asked = since(begun);
    let plan = planned(&config, &facts);
    let hosts = run::Hosts(fleet.hosts);
    let preview = run::preview(&plan, &hosts, &journal);
    let looked = since(begun);
    drop(hosts);
    let took = since(begun);
    assert!(preview.away.is_empty() && preview.refused.is_empty(), "{:?} {:?}", preview.away, preview.refused);
    assert!(preview.is_empty(), "{:#?}", preview.changes);
    eprintln!("facts after {asked:.2} s, preview after {looked:.2} s, connections ended after {took:.2} s");
    let trips = counts.iter().map(|counts| counts.round_trips());
    let (least, most) = trips.fold((usize::MAX, 0), |(least, most), trips| (least.min(trips), most.max(trips)));
    eprintln!("round trips of a host: {least} to {most}, of which {} to connect", TO_CONNECT + GREETINGS);
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let most = most as f64;
    vec![figure("second run on 64 hosts, 50 ms away", took, "s"), figure("round trips of a host in it", most, "")]
}

/// The first run, from nearby.
fn install(config: &Config, fakes: &BTreeMap<String, Fake>, journal: &mut Journal) {
    let reach = |fake: &Fake| Arc::new(Here::new(Arc::new(fake.clone()))) as Arc<dyn Reach>;
    let fleet = Fleet { hosts: fakes.iter().map(|(name, fake)| (name.clone(), reach(fake))).collect() };
    let plan = planned(config, &facts(config, &fleet));
    let hosts = run::Hosts(fleet.hosts);
    let preview = run::preview(&plan, &hosts, journal);
    let (control, options) = (Control::new(), Options::default());
    let report = run::apply(&plan, &preview, &hosts, journal, &Unwatched, &control, &options).unwrap();
    assert_eq!((report.ended, report.left_out.len()), (Ended::Done, 0), "{:#?}", report.failures);
}

fn facts(config: &Config, fleet: &Fleet) -> BTreeMap<String, Facts> {
    let names: Vec<String> = config.hosts.iter().map(|host| host.name.clone()).collect();
    let at_once = usize::try_from(config.ssh.parallel).unwrap();
    let told = fleet.each::<Facts, HostError>(&names, at_once, |name, reach| {
        reach.facts(&wanted(config, config.host(name).unwrap()))
    });
    told.into_iter().map(|(name, facts)| (name, facts.unwrap())).collect()
}

fn planned(config: &Config, facts: &BTreeMap<String, Facts>) -> Plan {
    let secrets = secrets();
    let mut findings = preflight::judge(config, facts, &secrets);
    findings.retain(|finding| finding.severity == Severity::Error);
    assert!(findings.is_empty(), "{findings:#?}");
    plan::make(config, facts, &secrets, &Limits::default()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// A fresh host that tells what real ones do.
fn fake(config: &Config, name: &str) -> Fake {
    let fake = Fake::debian_12(name);
    let hosts = config.hosts.iter().map(|host| format!("{} {}\n", host.address, host.name));
    let own = config.host(name).unwrap();
    fake.put_file("/etc/hosts", &hosts.collect::<Vec<_>>().concat(), 0o644);
    fake.put_file(
        "/etc/ssh/ssh_host_ed25519_key.pub",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKnownKeyOfThisHostInBench root@h\n",
        0o644,
    );
    fake.put_file(
        "/proc/self/mounts",
        "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\nfiles1:/home /home nfs4 rw 0 0\n",
        0o444,
    );
    for judge in ["env", "/usr/sbin/sshd"] {
        fake.answer(judge, |_, _| said(""));
    }
    let interface = format!("2: eth0    inet {}/24 brd 203.0.113.255 scope global eth0\n", own.address);
    fake.answer("ip", move |_, _| said(&interface));
    fake.answer("df", |_, _| {
        said("Filesystem 1M-blocks Used Available Capacity Mounted on\n/dev/x 90000 9 80000 1% /\n")
    });
    fake.answer("date", |_, _| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        said(&format!("{}\n", now.as_millis()))
    });
    fake.answer("apt-cache", |world, command| {
        let known = command.arguments.iter().filter_map(|name| Some((name, &world.catalogue.get(name)?.version)));
        said(&known.map(|(name, version)| format!("{name}:\n  Candidate: {version}\n")).collect::<Vec<_>>().concat())
    });
    // Hosts in memory know nothing of each other: Slurm's other daemons are up elsewhere.
    if !own.has(Role::Controller) {
        let nodes = config.hosts_with(Role::Compute).map(|node| (node.name.clone(), ("IDLE".into(), String::new())));
        fake.change(|world| (world.slurm.is_far, world.slurm.nodes) = (true, nodes.collect()));
    }
    fake
}
