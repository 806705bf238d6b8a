//! `slurmdash ssh-ca`: the key that sshd trusts to let slurmdash in as the person.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{StoreFile, USAGE, print_error, print_line};
use crate::ssh::ca::{Ca, CaError, CaKey, LIFETIME, Role};

/// The file that the lines for sshd name.
const TRUSTED: &str = "/etc/ssh/slurmdash_ca.pub";

/// The key that sshd trusts to let slurmdash in as the person
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the public key and what to put into sshd; makes the key when there is none
    Show {
        /// Only the public keys that sshd should trust, for its file
        #[arg(long, conflicts_with = "json")]
        keys: bool,
        #[command(flatten)]
        store: StoreFile,
    },
    /// Make a new key that sshd should trust beside the old one, which goes on signing until --finish
    Rotate {
        /// sshd trusts both everywhere: sign with the new one from now on
        #[arg(long)]
        finish: bool,
        #[command(flatten)]
        store: StoreFile,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let (Command::Show { store, .. } | Command::Rotate { store, .. }) = &arguments.command;
    let config = match store.config() {
        Ok(config) => config,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    let dir = config.ssh_ca_dir();
    let done = match &arguments.command {
        Command::Show { keys, store } => Ca::open(&dir).and_then(|ca| show(&ca, &dir, *keys, store.json)),
        Command::Rotate { finish, store } => Ca::open(&dir).and_then(|ca| rotate(&ca, *finish, store.json)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The keys that sshd should trust now.
fn trusted(keys: &[CaKey]) -> impl Iterator<Item = &CaKey> {
    keys.iter().filter(|key| key.role != Role::Retired)
}

fn show(ca: &Ca, dir: &Path, only_keys: bool, json: bool) -> Result<(), CaError> {
    let keys = ca.keys()?;
    if json {
        print_line(&as_json(&keys).to_string());
        return Ok(());
    }
    if only_keys {
        trusted(&keys).for_each(|key| print_line(&key.line));
        return Ok(());
    }
    print_line(&format!("# On the login host, the public key in {TRUSTED} (mode 644, owner root):\n"));
    trusted(&keys).for_each(|key| print_line(&key.line));
    print_line(&format!(
        "\n# In /etc/ssh/sshd_config, or a file of /etc/ssh/sshd_config.d:\n\nTrustedUserCAKeys {TRUSTED}\n"
    ));
    print_line("# Then: sshd -t && systemctl reload ssh     (sshd on systems of the RHEL family)\n");
    print_line(&format!(
        "# With this key slurmdash signs certificates for one Unix user each, for {LIFETIME} s and from its own address; \
         never for root.\n# The private key is in {}; whoever has it can sign in as anybody else: keep it there.",
        dir.display()
    ));
    for key in &keys {
        let role = match key.role {
            Role::Current => "signs now",
            Role::Next => "signs after `slurmdash ssh-ca rotate --finish`",
            Role::Retired => "signed before: take it out of sshd's file",
        };
        print_line(&format!("# {}  {role}", key.fingerprint));
    }
    Ok(())
}

fn rotate(ca: &Ca, finish: bool, json: bool) -> Result<(), CaError> {
    let is_new = if finish {
        ca.finish_rotation()?;
        true
    } else {
        ca.rotate()?
    };
    let keys = ca.keys()?;
    if json {
        print_line(&as_json(&keys).to_string());
        return Ok(());
    }
    if finish {
        print_line("The new key signs from now on; a running server needs no restart.");
        print_line(&format!("Next: take the old key out of {TRUSTED} on every login host; it should hold only:\n"));
        trusted(&keys).for_each(|key| print_line(&key.line));
        return Ok(());
    }
    print_line(if is_new { "A new key was made." } else { "A rotation is under way already." });
    print_line(&format!("Next: {TRUSTED} on every login host must hold both keys:\n"));
    trusted(&keys).for_each(|key| print_line(&key.line));
    print_line("\nThen: slurmdash ssh-ca rotate --finish");
    Ok(())
}

fn as_json(keys: &[CaKey]) -> serde_json::Value {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| json!({"role": key.role, "public_key": key.line, "fingerprint": key.fingerprint}))
        .collect();
    let path = PathBuf::from(TRUSTED);
    json!({"keys": rows, "trusted_user_ca_keys": path})
}
