//! The program on the other host: under a name that its content has, in a folder of root's, brought where it is missing.
//!
//! SSH has no argument vectors: a command is a line for the login shell of whoever signs in. This one is fixed but for a
//! digest and a size; its script stands in single quotes and has no character in it that a shell reads there.
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA256};

use super::line::{Broken, Line};
use super::way::Way;
use crate::host::HostError;

/// What the script says when the program has to be brought, behind the mark.
pub(super) const WANTED: &str = "bring";
/// What it says on its standard error when that was in vain.
pub(super) const IN_VAIN: &str = "slurmdash could not be brought";

/// Where the program is put.
const FOLDER: &str = "/var/lib/slurmdash-install/bin";

/// Starts the program, after it took it from its input where it is missing or damaged. Other versions go.
const SCRIPT: &str = "umask 077; d=FOLDER; p=$d/slurmdash-SHORT; n=$d/.new-$$; \
    is() { test \"$(sha256sum $1 | cut -c 1-64)\" = DIGEST; }; \
    if test -x $p && is $p; then :; else \
    echo slurmdash-install bring; \
    mkdir -p $d && rm -f $d/.new-* && head -c SIZE > $n && is $n && chmod 700 $n && sync $n && mv -f $n $p && sync $d \
    || { rm -f $n; echo IN_VAIN >&2; exit 97; }; \
    for o in $d/slurmdash-*; do test $o = $p || rm -f $o; done; \
    fi; exec $p install-host";

/// The program that is brought to hosts and runs there.
pub struct Program {
    path: PathBuf,
    folder: String,
    known: OnceLock<(String, u64)>,
}

impl Program {
    /// The program that runs.
    pub fn own() -> Self {
        Self { path: PathBuf::from("/proc/self/exe"), folder: FOLDER.to_owned(), known: OnceLock::new() }
    }

    /// Another one, put into another folder. An error when the folder's path has anything in it that a shell reads.
    pub fn at(path: &Path, folder: &Path) -> Result<Self, HostError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        let plain = folder.to_str().filter(|path| path.starts_with('/') && path.bytes().all(plain));
        let folder = plain.ok_or_else(|| HostError::Malformed(format!("{} is no plain path", folder.display())))?;
        Ok(Self { path: path.to_owned(), folder: folder.to_owned(), known: OnceLock::new() })
    }

    fn unreadable(&self, error: &std::io::Error) -> HostError {
        HostError::File { path: self.path.clone(), error: error.to_string(), errno: error.raw_os_error() }
    }

    /// Its digest and size, found once.
    fn known(&self) -> Result<&(String, u64), HostError> {
        if let Some(known) = self.known.get() {
            return Ok(known);
        }
        let mut file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        let (mut context, mut size, mut piece) = (Context::new(&SHA256), 0, vec![0; 1 << 18]);
        loop {
            let count = file.read(&mut piece).map_err(|error| self.unreadable(&error))?;
            if count == 0 {
                let digest = data_encoding::HEXLOWER.encode(context.finish().as_ref());
                return Ok(self.known.get_or_init(|| (digest, size)));
            }
            context.update(&piece[..count]);
            size += count as u64;
        }
    }

    /// Bytes that are brought.
    pub(super) fn size(&self) -> Result<u64, HostError> {
        Ok(self.known()?.1)
    }

    /// The command by which it is started as root on a host.
    pub(super) fn start(&self, way: &Way) -> Result<String, HostError> {
        let (digest, size) = self.known()?;
        let script = SCRIPT
            .replace("FOLDER", &self.folder)
            .replace("SHORT", &digest[..16])
            .replace("DIGEST", digest)
            .replace("SIZE", &size.to_string())
            .replace("IN_VAIN", IN_VAIN);
        let shell = if way.is_root() { "/bin/sh" } else { "sudo -n /bin/sh" };
        Ok(format!("{shell} -c '{script}'"))
    }

    /// Sends it. The outer error is this host's, the inner one the line's.
    pub(super) fn send(&self, size: u64, line: &mut Line, deadline: Instant) -> Result<Result<(), Broken>, HostError> {
        let mut file = File::open(&self.path).map_err(|error| self.unreadable(&error))?.take(size);
        let mut piece = vec![0; 1 << 18];
        loop {
            let count = file.read(&mut piece).map_err(|error| self.unreadable(&error))?;
            if count == 0 {
                return Ok(Ok(()));
            }
            if let Err(broken) = line.send(&piece[..count], deadline) {
                return Ok(Err(broken));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn the_command_is_the_same_to_every_shell() {
        let program = Program::own();
        let way = |user: &str| Way::new(&config::Ssh { user: user.into(), ..config::Ssh::default() }, "h").unwrap();
        let command = program.start(&way("root")).unwrap();
        let script = command.strip_prefix("/bin/sh -c '").unwrap().strip_suffix('\'').unwrap();
        assert!(!script.contains(['\'', '\\', '!', '\n', '`']), "{script}");
        assert!(script.ends_with("exec $p install-host") && script.contains("d=/var/lib/slurmdash-install/bin;"));
        assert!(!script.contains("DIGEST") && !script.contains("SIZE") && !script.contains("IN_VAIN"));
        assert!(program.start(&way("ada")).unwrap().starts_with("sudo -n /bin/sh -c '"));
        let checked = std::process::Command::new("sh").args(["-n", "-c", script]).status().unwrap();
        assert!(checked.success());
        for bad in ["relative", "/a b", "/a'b", "/$x", "/a;b"] {
            assert!(Program::at(Path::new("/bin/true"), Path::new(bad)).is_err(), "{bad}");
        }
    }
}
