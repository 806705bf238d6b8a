//! `slurmdash install`: from bare hosts to a running cluster, and back.
//!
//! Exit codes: 0 done, or nothing to do; 1 it failed or was refused; 2 `--plan` found changes (and, as everywhere, a wrong
//! command line); 3 done, but hosts were left out.

mod apply;
mod back;
mod check;
pub(super) mod cluster;
pub(super) mod ending;
mod former;
pub(super) mod host;
pub(super) mod live;
pub(super) mod probe;
mod progress;
pub(super) mod shown;
mod status;
mod stop;
pub(super) mod text;
pub(super) mod voice;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use slurmdash_installer::plan::Phase;

use super::print_error;

/// Exit code of `--plan` when something is to be changed.
const CHANGES: u8 = 2;
/// Exit code when hosts were left out.
const LEFT_OUT: u8 = 3;

/// Every step, for `--allow-disruption`.
const ALL: &str = "all";

/// Where the installer keeps what it did.
const STATE: &str = "/var/lib/slurmdash-install";

/// Bring up a Slurm cluster with its dashboard: plan, show, do, and undo
///
/// Without a configuration this host alone becomes a cluster, or, where one was installed before, that configuration is
/// applied again. Nothing is changed before the plan was shown and agreed to.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Exit codes: 0 done, or nothing to do; 1 it failed; 2 --plan found changes, or the command line is wrong; \
3 done, but hosts were left out."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    apply: Apply,
}

/// What the cluster is to be, and where the installer keeps what it did.
#[derive(clap::Args)]
pub(super) struct Place {
    /// What the cluster is to be [default: what was applied last, else this host alone]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) state: State,
}

/// Where the installer keeps what it did.
#[derive(clap::Args)]
pub(super) struct State {
    /// Folder for the journal, secrets and copies
    #[arg(long, value_name = "DIR", default_value = STATE)]
    pub(super) state_dir: PathBuf,
}

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Apply {
    #[command(flatten)]
    place: Place,
    /// Show what would be done and do nothing; exit code 2 when there is something
    #[arg(long)]
    plan: bool,
    /// Show the text of files before and after, too
    #[arg(long)]
    diff: bool,
    /// Print the plan as one JSON object
    #[arg(long, requires = "plan")]
    json: bool,
    /// Don't ask
    #[arg(long, conflicts_with = "plan")]
    yes: bool,
    /// Only this part; may be given several times
    #[arg(long, value_name = "PHASE", value_enum, action = clap::ArgAction::Append)]
    only: Vec<PhaseName>,
    /// Only these hosts, as a hostlist such as node[001-064]; may be given several times
    #[arg(long, value_name = "HOST", action = clap::ArgAction::Append)]
    limit: Vec<String>,
    /// Bring Slurm to the newest version that the package sources have: slurmdbd, controllers, nodes, in that order
    #[arg(long)]
    upgrade: bool,
    /// Give munge a new key on all hosts, beside running jobs
    #[arg(long, conflicts_with_all = ["resume", "limit", "only"])]
    rotate_munge_key: bool,
    /// Go on with a run that was broken off
    #[arg(long, conflicts_with = "plan")]
    resume: bool,
    /// What becomes of what was done when a step fails [default: ask at a terminal, else rollback]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_failure: Option<OnFailure>,
    /// Do what kills or disturbs running jobs: this step, or all of them
    #[arg(long, value_name = "STEP", num_args = 0..=1, require_equals = true, default_missing_value = ALL,
        action = clap::ArgAction::Append)]
    allow_disruption: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Say what was done, run by run, and whether one was broken off
    Status {
        #[command(flatten)]
        state: State,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Undo the last run: files as they were, byte for byte; packages, users and services too
    Rollback {
        /// Undo what was done after this step (its name as `status` prints it); it stays
        #[arg(long, value_name = "STEP", conflicts_with = "all")]
        to: Option<String>,
        /// Undo every run there was
        #[arg(long)]
        all: bool,
        /// Don't ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Take everything away again that was installed; data stays, as a copy
    Uninstall {
        /// Don't ask
        #[arg(long)]
        yes: bool,
        /// Remove the data too: accounting, job state, the dashboard's store, homes that were made
        #[arg(long)]
        remove_data: bool,
        /// Only from these hosts, which left the cluster, as a hostlist; may be given several times
        #[arg(long, value_name = "HOST", action = clap::ArgAction::Append)]
        limit: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Write a cluster.yaml with comments, from what is found on hosts
    Init {
        /// Where to write it; - is standard output
        #[arg(long, value_name = "FILE", default_value = "cluster.yaml")]
        output: PathBuf,
        /// Login on the hosts; another than root needs sudo without a password
        #[arg(long, value_name = "LOGIN", default_value = "root")]
        ssh_user: String,
        /// Hosts as names, addresses or hostlists, the controller first [default: this host]
        hosts: Vec<String>,
    },
    /// Prove that the cluster works: real jobs, by Slurm and by the dashboard
    Check(Place),
    /// Read a cluster that was built by hand and write its cluster.yaml; changes nothing
    Adopt {
        /// Its slurm.conf, with cgroup.conf and gres.conf beside it [default: in its usual places]
        #[arg(long, value_name = "FILE")]
        slurm_conf: Option<PathBuf>,
        /// Login on the hosts; another than root needs sudo without a password
        #[arg(long, value_name = "LOGIN", default_value = "root")]
        ssh_user: String,
        /// Where to write it; - is standard output
        #[arg(long, value_name = "FILE", default_value = "cluster.yaml")]
        output: PathBuf,
    },
    /// Print the JSON Schema of cluster.yaml
    Schema,
}

/// What becomes of what was done when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnFailure {
    /// A person decides
    Ask,
    /// All of this run is undone
    Rollback,
    /// It stays, for --resume or `install rollback`
    Keep,
}

/// A phase at the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PhaseName(Phase);

impl ValueEnum for PhaseName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [PhaseName; Phase::ALL.len()] = {
            let mut all = [PhaseName(Phase::Preflight); Phase::ALL.len()];
            let mut index = 0;
            while index < all.len() {
                all[index] = PhaseName(Phase::ALL[index]);
                index += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.command {
        None => apply::run(&arguments.apply),
        Some(Command::Status { state, json }) => cluster::must_be_root()
            .and_then(|()| cluster::look(&state.state_dir))
            .and_then(|journal| status::print(&journal, *json))
            .map(|()| ExitCode::SUCCESS),
        Some(Command::Rollback { to, all, yes, place }) => {
            let asked = back::Asked { to: to.as_deref(), all: *all, keep_data: true, leaves: false, limit: &[] };
            back::run(place, *yes, asked)
        }
        Some(Command::Uninstall { yes, remove_data, limit, place }) => {
            let asked = back::Asked { to: None, all: true, keep_data: !remove_data, leaves: true, limit };
            back::run(place, *yes, asked)
        }
        Some(Command::Init { output, ssh_user, hosts }) => write::init(output, hosts, ssh_user),
        Some(Command::Check(place)) => check::run(place),
        Some(Command::Adopt { slurm_conf, ssh_user, output }) => write::adopt(output, slurm_conf.as_deref(), ssh_user),
        Some(Command::Schema) => write::schema(),
    };
    done.unwrap_or_else(|message| {
        print_error(&message);
        ExitCode::FAILURE
    })
}
