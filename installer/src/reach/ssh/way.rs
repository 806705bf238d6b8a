//! The way to a host, as ssh(1) takes it.
use std::path::{Path, PathBuf};

use crate::config::{self, HostKeys};
use crate::host::HostError;

/// The way to a host. Each word is checked: ssh gets an argument vector, but hands some of it to a shell (`-J`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    address: String,
    user: String,
    port: Option<u16>,
    key: Option<PathBuf>,
    jump: Option<String>,
    host_keys: HostKeys,
    known_hosts: Option<PathBuf>,
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.user, self.address)?;
        self.port.map_or(Ok(()), |port| write!(f, " port {port}"))
    }
}

impl Way {
    /// The way to an address, as the configuration says.
    pub fn new(ssh: &config::Ssh, address: &str) -> Result<Self, HostError> {
        let way = Self {
            address: address.to_owned(),
            user: ssh.user.clone(),
            port: ssh.port,
            key: ssh.key.clone(),
            jump: ssh.jump.clone(),
            host_keys: ssh.host_keys,
            known_hosts: None,
        };
        let refused = |what: &str, word: &str| Err(HostError::Malformed(format!("{word:?} can't be {what} of ssh")));
        if !is_plain(&way.address, "._:%-") {
            return refused("an address", &way.address);
        }
        if !is_plain(&way.user, "._@+-") {
            return refused("a user", &way.user);
        }
        match &way.jump {
            Some(jump) if !jump.split(',').all(|hop| is_plain(hop, "._:%@+-[]/")) => refused("a jump host", jump),
            _ => Ok(way),
        }
    }

    /// With a list of known hosts of its own instead of the admin's.
    #[must_use]
    pub fn with_known_hosts(mut self, path: &Path) -> Self {
        self.known_hosts = Some(path.to_owned());
        self
    }

    /// Whether the user there is root already.
    pub(super) fn is_root(&self) -> bool {
        self.user == "root"
    }

    /// Login there.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The key that was named.
    pub(super) fn key(&self) -> Option<&Path> {
        self.key.as_deref()
    }

    /// How known hosts have it: `[address]:port` where the port is another than 22.
    pub(super) fn known_as(&self) -> String {
        match self.port {
            Some(port) if port != 22 => format!("[{}]:{port}", self.address),
            _ => self.address.clone(),
        }
    }

    /// A command by which the admin can try it.
    pub(super) fn by_hand(&self) -> String {
        let port = self.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        let key = self.key.as_ref().map(|key| format!("-i {} ", key.display())).unwrap_or_default();
        let jump = self.jump.as_ref().map(|jump| format!("-J {jump} ")).unwrap_or_default();
        format!("ssh {port}{key}{jump}{}@{}", self.user, self.address)
    }

    /// ssh's arguments, up to the command.
    pub(super) fn arguments(&self) -> Vec<String> {
        let checking = match self.host_keys {
            HostKeys::Strict => "StrictHostKeyChecking=yes",
            HostKeys::AcceptNew => "StrictHostKeyChecking=accept-new",
        };
        let mut options: Vec<String> = [
            "BatchMode=yes",
            "ConnectTimeout=15",
            "ServerAliveInterval=15",
            "ServerAliveCountMax=4",
            "LogLevel=INFO",
            // What an admin has for their own sessions.
            "ForwardAgent=no",
            "ForwardX11=no",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "ControlMaster=no",
            checking,
        ]
        .map(str::to_owned)
        .into();
        if let Some(path) = &self.known_hosts {
            options.push(format!("UserKnownHostsFile={}", path.display()));
        }
        if self.key.is_some() {
            // An agent with many keys would use up the tries that the host allows.
            options.push(String::from("IdentitiesOnly=yes"));
        }
        let mut arguments = vec![String::from("-T")];
        arguments.extend(options.into_iter().flat_map(|option| [String::from("-o"), option]));
        if let Some(key) = &self.key {
            // ssh reads `%` in it.
            arguments.extend([String::from("-i"), key.to_string_lossy().replace('%', "%%")]);
        }
        if let Some(port) = self.port {
            arguments.extend([String::from("-p"), port.to_string()]);
        }
        if let Some(jump) = &self.jump {
            arguments.extend([String::from("-J"), jump.clone()]);
        }
        arguments.extend([String::from("-l"), self.user.clone(), String::from("--"), self.address.clone()]);
        arguments
    }
}

/// Letters, digits and those few, no option, not empty.
fn is_plain(word: &str, more: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    !word.is_empty() && word.len() <= 255 && !word.starts_with('-') && word.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_is_an_argument_and_no_option_or_shell_text() {
        let ssh = config::Ssh {
            user: "ada".into(),
            port: Some(2022),
            key: Some("/keys/100%".into()),
            jump: Some("ada@gateway:22,[fe80::1]:23".into()),
            host_keys: HostKeys::AcceptNew,
            ..config::Ssh::default()
        };
        let way = Way::new(&ssh, "10.77.0.11").unwrap();
        let arguments = way.arguments().join(" ");
        assert!(arguments.starts_with("-T -o BatchMode=yes"), "{arguments}");
        let end = "-i /keys/100%% -p 2022 -J ada@gateway:22,[fe80::1]:23 -l ada -- 10.77.0.11";
        assert!(arguments.contains("StrictHostKeyChecking=accept-new") && arguments.ends_with(end), "{arguments}");
        assert_eq!(
            (way.known_as().as_str(), way.to_string().as_str()),
            ("[10.77.0.11]:2022", "ada@10.77.0.11 port 2022")
        );
        for bad in ["", "-oProxyCommand=x", "a b", "a;b", "a@b", "$(id)", "a\n"] {
            assert!(Way::new(&ssh, bad).is_err(), "{bad}");
            assert!(bad == "a@b" || Way::new(&config::Ssh { user: bad.into(), ..ssh.clone() }, "h").is_err(), "{bad}");
            let jump = config::Ssh { jump: Some(format!("gateway,{bad}")), ..ssh.clone() };
            assert!(bad == "a@b" || Way::new(&jump, "h").is_err(), "{bad}");
        }
    }
}
