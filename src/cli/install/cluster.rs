//! From a configuration to hosts that can be reached, what is there, and a plan. Nothing is changed here.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use slurmdash_installer::clock::Clock;
use slurmdash_installer::config::{self, Config};
use slurmdash_installer::facts::Facts;
use slurmdash_installer::fleet;
use slurmdash_installer::journal::{Caller, Journal};
use slurmdash_installer::plan::{self, Plan};
use slurmdash_installer::preflight::{self, Finding, Severity};
use slurmdash_installer::run::Hosts;
use slurmdash_installer::secrets::Secrets;

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

    /// The configuration with its text; what is not said in a file comes from this host.
    pub fn config(&self, journal: &Journal) -> Result<(Config, String), String> {
        if let Self::File(config, text) = self {
            return Ok(((**config).clone(), text.clone()));
        }
        match journal.configuration().map_err(|error| error.to_string())? {
            Some(text) => {
                let text = String::from_utf8(text).map_err(|_| "the configuration that was applied last is no text")?;
                Ok((parse("the configuration that was applied last", &text)?, text))
            }
            None => {
                let facts = fleet::here().and_then(|here| here.facts(&config::wanted()));
                let facts = facts.map_err(|error| error.to_string())?;
                let text = config::single(&facts);
                Ok((parse("this host's configuration", &text)?, text))
            }
        }
    }
}

fn text(path: &Path) -> std::io::Result<String> {
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
    secrets_dir: PathBuf,
    /// How hosts are reached.
    pub hosts: Hosts,
    /// What is there, by host.
    pub facts: BTreeMap<String, Facts>,
    /// What was found before anything is done.
    pub findings: Vec<Finding>,
    /// What is to be done. Empty where a finding keeps it from being made.
    pub plan: Plan,
}

impl Cluster {
    /// Looks at all hosts and plans.
    pub fn look_at(source: &Source, journal: &Journal, state: &Path) -> Result<Self, String> {
        let (config, text) = source.config(journal)?;
        let secrets_dir = state.join("secrets");
        let secrets = Secrets::load(&secrets_dir, &mut |buffer| {
            getrandom::fill(buffer).map_err(|error| std::io::Error::other(error.to_string()))
        });
        let secrets = secrets.map_err(|error| error.to_string())?;
        let hosts = reach(&config)?;
        let waiting = waiting(&format!("looking at {} hosts", config.hosts.len()));
        let facts = facts(&config, &hosts);
        waiting.finish_and_clear();
        let mut findings = preflight::judge(&config, &facts, &secrets);
        let plan = match plan::make(&config, &facts, &secrets) {
            Ok(plan) => plan,
            Err(more) => {
                findings.extend(more);
                findings.sort();
                findings.dedup();
                Plan::default()
            }
        };
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Ok(Self { config, text, secrets, secrets_dir, hosts, facts, findings, plan: Plan::default() });
        }
        Ok(Self { config, text, secrets, secrets_dir, hosts, facts, findings, plan })
    }

    /// Keeps what is applied now: secrets before they are used, and the configuration.
    pub fn keep(&self, journal: &Journal) -> Result<(), String> {
        self.secrets.save(&self.secrets_dir).map_err(|error| error.to_string())?;
        journal.keep_configuration(self.text.as_bytes()).map_err(|error| error.to_string())
    }

    /// Hosts at once.
    pub fn parallel(&self) -> usize {
        parallel(&self.config)
    }
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
