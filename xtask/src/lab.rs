//! `cargo xtask lab`: real hosts to try things on by hand. What they are: `tests/lab`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use anyhow::{Context, Result, bail, ensure};
use lab::base::Release;
use lab::census::Snapshot;
use lab::compare::{NOTHING, compare};
use lab::{Lab, Shape};

use crate::needs::LAB;
use crate::project::Project;

/// What the command takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which lab. Labs don't see each other; the tests have number 0.
    #[arg(long, global = true, default_value_t = 1)]
    number: u8,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Boots hosts; those that run already go on.
    Up {
        #[arg(required = true)]
        hosts: Vec<String>,
        /// With `/shared` and `/home` in common.
        #[arg(long)]
        shared: bool,
        /// Without the package cache: nothing outside can be reached.
        #[arg(long)]
        no_packages: bool,
        /// A disk of so many MiB, beside the base.
        #[arg(long)]
        disk: Option<u32>,
        /// bookworm or trixie.
        #[arg(long, default_value = "bookworm")]
        release: Release,
    },
    /// Runs a command in a host, past its network.
    Exec {
        host: String,
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Runs a command, or a shell, through a host's sshd.
    Ssh {
        host: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Copies a file in, to `HOST:/PATH`. It keeps its mode.
    Put { file: PathBuf, to: String },
    /// Cuts the power.
    Kill { host: String },
    /// Boots a host again, with its disk.
    Boot { host: String },
    /// Pulls the cable out.
    Cut { host: String },
    /// Puts the cable in.
    Heal { host: String },
    /// Makes hosts new: everything they wrote is forgotten, and they boot.
    Reset {
        #[arg(required = true)]
        hosts: Vec<String>,
        #[arg(long)]
        shared: bool,
    },
    /// Writes down everything that is on a host.
    Snapshot { host: String, file: PathBuf },
    /// Says what differs between two snapshots.
    Compare { before: PathBuf, after: PathBuf },
    /// Who is up.
    Status,
    /// Cuts everybody's power and takes the network away.
    Down {
        /// Forgets what hosts wrote too.
        #[arg(long)]
        forget: bool,
    },
}

/// Does one thing with a lab.
pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    LAB.meet(project)?;
    let number = arguments.number;
    match &arguments.verb {
        Verb::Up { hosts, shared, no_packages, disk, release } => {
            let shape = Shape { release: *release, packages: !no_packages, shared: *shared, disk_mib: *disk };
            let lab = Lab::by_hand(number)?;
            let hosts: Vec<_> = hosts.iter().map(|name| (name.as_str(), shape.clone())).collect();
            for host in lab.boot(&hosts)? {
                println!("{:<10} {}", host.name(), host.address());
            }
            Ok(())
        }
        Verb::Reset { hosts, shared } => {
            let lab = Lab::by_hand(number)?;
            for host in hosts {
                lab.host(host)?.forget()?;
            }
            let shape = Shape { shared: *shared, ..Shape::default() };
            let hosts: Vec<_> = hosts.iter().map(|name| (name.as_str(), shape.clone())).collect();
            lab.boot(&hosts)?;
            Ok(())
        }
        Verb::Exec { host, command } => {
            let command: Vec<_> = command.iter().map(String::as_str).collect();
            let argv = Lab::look(number)?.host(host)?.enter_argv(&command)?;
            attached(&argv)
        }
        Verb::Ssh { host, command } => {
            let command: Vec<_> = command.iter().map(String::as_str).collect();
            let argv = Lab::look(number)?.host(host)?.ssh_argv(&command, 5);
            attached(&argv)
        }
        Verb::Put { file, to } => {
            let (host, path) = to.split_once(':').context("the place is HOST:/PATH")?;
            Lab::look(number)?.host(host)?.put(file, path, mode(file)?)
        }
        Verb::Kill { host } => Lab::look(number)?.host(host)?.kill(),
        Verb::Boot { host } => Lab::by_hand(number)?.host(host)?.boot(),
        Verb::Cut { host } => Lab::look(number)?.host(host)?.cut(),
        Verb::Heal { host } => Lab::look(number)?.host(host)?.heal(),
        Verb::Snapshot { host, file } => {
            let lab = Lab::look(number)?;
            fs::write(file, serde_json::to_vec(&Snapshot::of(&lab.host(host)?)?)?)?;
            Ok(())
        }
        Verb::Compare { before, after } => {
            let found = compare(&read(before)?, &read(after)?, NOTHING);
            for line in &found {
                println!("{line}");
            }
            ensure!(found.is_empty(), "{} differences", found.len());
            println!("the same");
            Ok(())
        }
        Verb::Status => {
            for host in Lab::look(number)?.hosts()? {
                println!("{:<10} {:<14} {}", host.name(), host.address(), if host.is_on() { "on" } else { "off" });
            }
            Ok(())
        }
        Verb::Down { forget } => {
            let lab = Lab::look(number)?;
            lab.down()?;
            if *forget { lab.forget() } else { Ok(()) }
        }
    }
}

fn read(file: &Path) -> Result<Snapshot> {
    Ok(serde_json::from_slice(&fs::read(file).with_context(|| file.display().to_string())?)?)
}

fn mode(file: &Path) -> Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(file).with_context(|| file.display().to_string())?.permissions().mode() & 0o777)
}

/// Runs a command with this terminal, and ends as it ends. The lab is free meanwhile.
fn attached(argv: &[std::ffi::OsString]) -> Result<()> {
    let [program, arguments @ ..] = argv else { bail!("no command") };
    let status = Program::new(program).args(arguments).status()?;
    match status.code() {
        Some(0) => Ok(()),
        code => std::process::exit(code.unwrap_or(1)),
    }
}
