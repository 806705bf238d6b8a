//! From a configuration to hosts that can be reached, what is there, and a plan. Nothing is changed here.
use std::collections::BTreeMap;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use slurmdash_installer::adopt;
use slurmdash_installer::clock::Clock;
use slurmdash_installer::config::{self, Config};
use slurmdash_installer::facts::{Facts, Wanted};
use slurmdash_installer::finding::{Finding, Severity};
use slurmdash_installer::fleet::{self, Fleet};
use slurmdash_installer::host::HostError;
use slurmdash_installer::hostlist;
use slurmdash_installer::journal::{Caller, Journal};
use slurmdash_installer::plan::{self, Limits, Plan};
use slurmdash_installer::preflight;
use slurmdash_installer::reach::Reach as _;
use slurmdash_installer::run::{Away, Hosts, Preview, preview};
use slurmdash_installer::secrets::Secrets;

use super::former::Former;
use super::voice::plain;

/// Largest `cluster.yaml`, bytes.
const MAX_FILE: u64 = 4 << 20;

/// Where the configuration comes from.
pub enum Source {
    /// A file, and its text.
    File(Box<Config>, String),
    /// What was applied last, else this host alone.
    Applied,
}

impl Source {
    /// Reads and judges the file that is named.
    pub fn read(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::Applied) };
        let text = text(path).map_err(|error| format!("can't read {}: {error}", path.display()))?;
        let config = parse(&path.display().to_string(), &text)?;
        Ok(Self::File(Box::new(config), text))
    }

    /// The configuration of the last run, undone or not, when no file is named.
    pub fn last_config(&self, journal: &Journal) -> Result<(Config, String), String> {
        match (self, journal.last_configuration().map_err(|error| error.to_string())?) {
            (Self::Applied, Some(text)) => applied(text),
            _ => self.config(journal),
        }
    }

    /// The configuration with its text; what is not said in a file comes from this host.
    pub fn config(&self, journal: &Journal) -> Result<(Config, String), String> {
        if let Self::File(config, text) = self {
            return Ok(((**config).clone(), text.clone()));
        }
        if let Some(text) = journal.configuration().map_err(|error| error.to_string())? {
            return applied(text);
        }
        let facts = fleet::here().and_then(|here| here.facts(&Wanted::default()));
        let facts = facts.map_err(|error| format!("this host can't be looked at: {error}"))?;
        let config = Config::single(&facts).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            plain(&format!("this host can't be a cluster as it is: {}", problems.join("\n")))
        })?;
        Ok((config, config::init(&[facts])))
    }
}

fn applied(text: Vec<u8>) -> Result<(Config, String), String> {
    let text = String::from_utf8(text).map_err(|_| "the configuration that was applied last is no text")?;
    Ok((parse("the configuration that was applied last", &text)?, text))
}

/// A text of a reasonable size.
pub fn text(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MAX_FILE) {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is larger than 4 MiB"));
    }
    Ok(text)
}

/// Reads a configuration; everything that is wrong with it is told, each with its place.
fn parse(name: &str, text: &str) -> Result<Config, String> {
    config::parse(text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| plain(&format!("{name}: {problem}"))).collect();
        lines.join("\n")
    })
}

/// A cluster as it is to be, hosts that can be reached, and the plan.
pub struct Cluster {
    /// What it is to be.
    pub config: Config,
    text: String,
    secrets: Secrets,
    /// How hosts are reached.
    pub hosts: Hosts,
    /// Hosts that tell nothing and that the others can do without, and why.
    pub away: BTreeMap<String, String>,
    /// Hosts that told something.
    pub reached: usize,
    /// What was found before anything is done.
    pub findings: Vec<Finding>,
    /// What is to be done. Empty where a finding forbids it.
    pub plan: Plan,
    former: Former,
}

impl Cluster {
    /// Looks at all hosts and plans as far as is wanted.
    pub fn look_at(
        source: &Source,
        journal: &Journal,
        limits: impl FnOnce(&Config) -> Result<Limits, String>,
        rotates_munge_key: bool,
    ) -> Result<Self, String> {
        let (config, text) = source.config(journal)?;
        let former = Former::with(journal, &config)?;
        let limits = Limits { leaving: former.leaving(), ..limits(&config)? };
        let mut random =
            |buffer: &mut [u8]| getrandom::fill(buffer).map_err(|error| std::io::Error::other(error.to_string()));
        let mut secrets = Secrets::load(&journal.secrets(), &mut random).map_err(|error| error.to_string())?;
        let untaken = adopt::take_over(&mut secrets, &journal.secrets(), Path::new("/etc"));
        let untaken = untaken.map_err(|error| error.to_string())?;
        if rotates_munge_key {
            secrets.rotate_munge_key(&mut random).map_err(|error| error.to_string())?;
        }
        let mut all = config.clone();
        all.hosts.extend(limits.leaving.iter().cloned());
        let fleet = Fleet::of(&all).map_err(|error| error.to_string())?;
        let waiting = waiting(&format!("looking at {} hosts", all.hosts.len()));
        let Told { facts, mut away } = facts(&all, &fleet, limits.upgrade);
        let mut findings = preflight::judge(&config, &facts, &secrets);
        findings.extend(preflight::leaving(&limits.leaving, &away));
        findings.extend(preflight::upgrades(&config, &facts, limits.upgrade));
        away.retain(|name, _| config.host(name).is_some());
        findings.extend(untaken);
        if rotates_munge_key {
            findings.extend(away.iter().map(|(host, error)| keyless(host, error)));
        }
        let plan = plan::make(&config, &facts, &secrets, &limits).unwrap_or_else(|more| {
            findings.extend(more);
            findings.sort();
            findings.dedup();
            Plan::default()
        });
        waiting.finish_and_clear();
        let reached = facts.len();
        let away = preflight::explain(&mut findings, &away);
        let away = away.into_iter().map(|(host, why)| (host.to_owned(), why.to_owned())).collect();
        let is_forbidden = findings.iter().any(|finding| finding.severity == Severity::Error);
        let plan = if is_forbidden { Plan::default() } else { plan };
        Ok(Self { config, text, secrets, hosts: Hosts(fleet.hosts), away, reached, findings, plan, former })
    }

    /// What the plan will change. Hosts that tell nothing are not in it, and left out.
    pub fn preview(&self, journal: &Journal) -> Preview {
        let waiting = waiting("looking what has to be changed");
        let mut preview = preview(&self.plan, &self.hosts, journal);
        waiting.finish_and_clear();
        for (host, error) in &self.away {
            let away = Away { error: error.clone(), can_be_left_out: true };
            preview.away.entry(host.clone()).or_insert(away);
        }
        preview
    }

    /// Keeps what is applied now: secrets before they are used, and the configuration.
    pub fn keep(&self, journal: &Journal) -> Result<(), String> {
        self.secrets.save(&journal.secrets()).map_err(|error| error.to_string())?;
        self.former.keep(journal)?;
        journal.keep_configuration(self.text.as_bytes());
        Ok(())
    }

    /// Hosts at once.
    pub fn parallel(&self) -> usize {
        parallel(&self.config)
    }
}

/// A host that would be left with the old key, and could not talk to the others any more.
fn keyless(host: &str, error: &str) -> Finding {
    Finding::error(
        Some(host),
        format!("it can't be reached ({error}), and munge's key changes on all hosts or on none"),
        "try again when it is up, or take it out of cluster.yaml",
    )
}

/// The hosts of a configuration and those that were in the cluster once, as they are reached. Nothing is connected yet.
pub fn reach(config: &Config, journal: &Journal) -> Result<Hosts, String> {
    let mut config = config.clone();
    let former = Former::with(journal, &config)?;
    config.hosts.extend(former.all());
    Fleet::of(&config).map(|fleet| Hosts(fleet.hosts)).map_err(|error| error.to_string())
}

/// What hosts tell.
pub struct Told {
    /// What is there, by host.
    pub facts: BTreeMap<String, Facts>,
    /// Hosts that tell nothing, and why.
    pub away: BTreeMap<String, String>,
}

/// What every host tells of what the planner wants to know; and the hosts that tell nothing, with the reason.
fn facts(config: &Config, fleet: &Fleet, asks_mirrors: bool) -> Told {
    let names: Vec<String> = config.hosts.iter().map(|host| host.name.clone()).collect();
    let clock = Clock::system();
    let moment = clock.milliseconds();
    let asked = fleet.each::<Facts, HostError>(&names, parallel(config), |name, reach| {
        let host = config.host(name).ok_or_else(|| HostError::Malformed(format!("{name} is no host")))?;
        let asked = clock.milliseconds();
        let mut told = reach.facts(&Wanted { asks_mirrors, ..plan::wanted(config, host) })?;
        told.as_of(moment, asked, clock.milliseconds());
        Ok(told)
    });
    let (mut facts, mut away) = (BTreeMap::new(), BTreeMap::new());
    for (name, told) in asked {
        match told {
            Ok(told) => drop(facts.insert(name, told)),
            Err(error) => drop(away.insert(name, error.to_string())),
        }
    }
    Told { facts, away }
}

/// What is there on the hosts of a configuration whose SSH section says nothing; and those that tell nothing.
pub fn facts_of_all(config: &Config, user: &str) -> Result<Told, String> {
    let mut config = config.clone();
    user.clone_into(&mut config.ssh.user);
    let fleet = Fleet::of(&config).map_err(|error| error.to_string())?;
    let waiting = waiting(&format!("looking at {} hosts", config.hosts.len()));
    let told = facts(&config, &fleet, false);
    waiting.finish_and_clear();
    Ok(told)
}

/// What is there on hosts that no configuration names yet; on this one when none is named.
pub fn facts_of(hosts: &[String], user: &str) -> Result<Vec<Facts>, String> {
    if hosts.is_empty() {
        let facts = fleet::here().and_then(|here| here.facts(&Wanted::default()));
        return Ok(vec![facts.map_err(|error| error.to_string())?]);
    }
    let mut addresses = Vec::new();
    for list in hosts {
        let expanded = hostlist::expand(list, config::MAX_HOSTS).map_err(|error| plain(&format!("{list}: {error}")))?;
        addresses.extend(expanded);
    }
    // What they are called they will say themselves; and a cluster has one controller.
    let row = |(number, address)| {
        let roles = if number == 0 { vec!["controller", "compute"] } else { vec!["compute"] };
        json!({"name": format!("host{number}"), "address": address, "roles": roles})
    };
    let rows: Vec<_> = addresses.iter().enumerate().map(row).collect();
    let off = json!({"enabled": false});
    let asked = json!({"cluster": "hpc", "hosts": rows, "ssh": {"user": user}, "accounting": off, "dashboard": off});
    let config = parse("the hosts that are named", &asked.to_string())?;
    let fleet = Fleet::of(&config).map_err(|error| error.to_string())?;
    let names: Vec<String> = config.hosts.iter().map(|host| host.name.clone()).collect();
    let asked = fleet.each(&names, parallel(&config), |_, reach| reach.facts(&Wanted::default()));
    let mut facts = Vec::new();
    for ((_, told), address) in asked.into_iter().zip(&addresses) {
        facts.push(told.map_err(|error| plain(&format!("{address}: {error}")))?);
    }
    Ok(facts)
}

/// Hosts at once.
pub fn parallel(config: &Config) -> usize {
    usize::try_from(config.ssh.parallel).unwrap_or(1).max(1)
}

/// Something that turns while a person waits; nothing where nobody looks.
pub fn waiting(what: &str) -> ProgressBar {
    let line = ProgressBar::new_spinner().with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        line.set_style(style);
    }
    line.enable_steady_tick(std::time::Duration::from_millis(120));
    line
}

/// Who opens the journal.
pub fn caller() -> Caller {
    Caller { command: std::env::args().collect(), clock: Clock::system() }
}

/// The journal, to be looked at.
pub fn look(state: &Path) -> Result<Journal, String> {
    Journal::read(state, caller()).map_err(|error| error.to_string())
}

/// Refuses anybody but root, with the line that works.
pub fn must_be_root() -> Result<(), String> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let words: Vec<String> = std::env::args().collect();
    let words = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    Err(format!("this must be run as root: sudo {words}"))
}
