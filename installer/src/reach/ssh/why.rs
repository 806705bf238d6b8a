//! What ssh said when it did not work, in words that tell what to do.
use std::time::Duration;

use super::bring::IN_VAIN;
use super::line::Broken;
use super::way::Way;

/// Why a host could not be reached.
pub fn no_start(way: &Way, broken: Broken, said: &str, code: Option<i32>) -> String {
    let why = match broken {
        Broken::TimedOut => Some(String::from(
            "a connection was made, and nothing came of it in time; is the host overloaded, or does its login wait for \
             something?",
        )),
        Broken::Endless => Some(String::from("it answers without end; does its login shell print something?")),
        Broken::Gone => None,
    };
    let why = why.or_else(|| host_key(way, said)).or_else(|| sign_in(way, said)).or_else(|| root(way, said));
    let why = why.or_else(|| network(way, said)).or_else(|| start(way, said, code));
    let why = why.unwrap_or_else(|| {
        let code = code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        format!("the connection ended before the far end answered{code}; try `{}`", way.by_hand())
    });
    told(&format!("{way} can't be reached: {why}"), said)
}

/// Why a connection ended that was open.
pub fn broke(way: &Way, broken: Broken, within: Duration, said: &str, code: Option<i32>, changes: bool) -> String {
    let what = match broken {
        Broken::TimedOut => format!("{way} gave no answer within {} s", within.as_secs()),
        Broken::Endless => format!("{way} answers without end"),
        Broken::Gone if code == Some(255) || said.contains("closed by") => {
            format!("the connection to {way} broke off")
        }
        Broken::Gone => format!("the installer's far end on {way} ended before it answered"),
    };
    let next = if changes {
        "; whether the step was done is not known: `slurmdash install --resume` looks and goes on"
    } else {
        "; nothing was changed by this call: look whether the host runs and the network holds, and try again"
    };
    told(&format!("{what}{next}"), said)
}

/// With ssh's own last words, which a person may need to see.
fn told(text: &str, said: &str) -> String {
    let noise =
        |line: &&str| !line.is_empty() && !line.starts_with("@@@@") && !line.starts_with("Warning: Permanently");
    let lines: Vec<&str> = said.lines().map(str::trim).filter(noise).collect();
    let last = lines[lines.len().saturating_sub(3)..].join(" / ");
    let last: String = last.chars().filter(|c| !c.is_control()).take(600).collect();
    let last = last.strip_prefix("ssh: ").unwrap_or(&last);
    if last.is_empty() { text.to_owned() } else { format!("{text} (ssh: {last})") }
}

fn host_key(way: &Way, said: &str) -> Option<String> {
    if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return Some(format!(
            "its host key is not the one that is known, so this may be another machine. If the host was installed anew, \
             check its key's fingerprint and remove the old one with `ssh-keygen -R '{}'`",
            way.known_as()
        ));
    }
    (said.contains("Host key verification failed") || said.contains("host key is known for")).then(|| {
        format!(
            "its host key is not known. Run `{}` once and compare the fingerprint, or set ssh.host_keys: accept-new",
            way.by_hand()
        )
    })
}

fn sign_in(way: &Way, said: &str) -> Option<String> {
    if said.contains("UNPROTECTED PRIVATE KEY FILE") {
        let key = way.key().map_or_else(|| String::from("the key"), |key| key.display().to_string());
        return Some(format!("others may read the private key {key}, so ssh does not use it: `chmod 600 {key}`"));
    }
    if said.contains("Too many authentication failures") {
        return Some(String::from("too many keys were tried; name the right one as ssh.key"));
    }
    if said.contains("account is currently not available") || said.contains("account is not available") {
        return Some(format!("{} may not sign in there (its login shell is nologin)", way.user()));
    }
    // Of signing in, not of a file on the other host: the ways that are left are in brackets.
    if !said.contains("Permission denied (") {
        return None;
    }
    let missing = way.key().filter(|_| said.contains("not accessible"));
    if let Some(key) = missing {
        return Some(format!("the key {} can't be read: is that its path?", key.display()));
    }
    let key = way.key().map_or_else(|| String::from("your key"), |key| format!("the public key of {}", key.display()));
    let root = if way.is_root() { ", and sshd there must let root in with a key (PermitRootLogin)" } else { "" };
    Some(format!(
        "no key was accepted. Put {key} into authorized_keys of {} there: `ssh-copy-id`{root}. A key with a passphrase \
         must be in an ssh-agent that is reached from here (sudo keeps it with --preserve-env=SSH_AUTH_SOCK)",
        way.user()
    ))
}

fn root(way: &Way, said: &str) -> Option<String> {
    let refusals = [
        "a password is required",
        "not in the sudoers file",
        "may not run sudo",
        "is not allowed to execute",
        "must have a tty",
        "a terminal is required",
        "no tty present",
    ];
    let user = way.user();
    if refusals.iter().any(|words| said.contains(words)) {
        return Some(format!(
            "{user} may not become root there without a password. Put the line `{user} ALL=(root) NOPASSWD: ALL` into \
             /etc/sudoers.d/slurmdash-install (visudo -f), or set ssh.user: root"
        ));
    }
    let is_missing = said.lines().any(|line| line.contains("sudo") && line.contains("not found"));
    is_missing
        .then(|| format!("there is no sudo, which {user} needs to become root; install it, or set ssh.user: root"))
}

fn network(way: &Way, said: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    if says(&["Could not resolve hostname"]) {
        return Some(String::from("its name has no address; give one as `address` in the configuration"));
    }
    if says(&["Connection refused"]) {
        return Some(String::from("nothing listens on sshd's port there; does sshd run, and is ssh.port right?"));
    }
    if says(&["timed out", "No route to host", "Network is unreachable", "Host is down"]) {
        return Some(String::from(
            "it does not answer; is it on, is the address right, does a firewall let ssh through?",
        ));
    }
    says(&["kex_exchange_identification", "Connection closed by", "Connection reset by"]).then(|| {
        format!("it closed the connection at once; is its sshd at its limit (MaxStartups), or {} banned?", way.user())
    })
}

fn start(_: &Way, said: &str, code: Option<i32>) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    if says(&["No space left on device", "Disk quota exceeded"]) {
        return Some(String::from("there is no room for the program in /var/lib/slurmdash-install"));
    }
    if says(&["Read-only file system"]) {
        return Some(String::from("its disk can only be read; see what its kernel's log says about it"));
    }
    if says(&["Exec format error", "cannot execute binary file"]) {
        return Some(String::from(
            "it has another kind of processor than this host, for which this program is not made",
        ));
    }
    if code == Some(126) || says(&["/slurmdash-"]) && says(&["Permission denied"]) {
        return Some(String::from("/var/lib there can't hold programs; is it mounted with noexec?"));
    }
    if says(&["sha256sum: not found", "sha256sum: command not found", "head: not found", "head: command not found"]) {
        return Some(String::from("the programs of coreutils are missing there"));
    }
    says(&[IN_VAIN]).then(|| String::from("the program could not be brought there whole"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config;

    fn way(user: &str) -> Way {
        let key = Some("/root/.ssh/id_ed25519".into());
        Way::new(&config::Ssh { user: user.into(), port: Some(2022), key, ..config::Ssh::default() }, "node7").unwrap()
    }

    /// What OpenSSH 9.2, sudo 1.9.13 and dash said, and what of the answer tells what to do.
    #[test]
    fn each_way_not_to_work_has_its_own_words() {
        for (said, told) in [
            (
                "@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@\nHost key verification failed.\n",
                "ssh-keygen -R '[node7]:2022'",
            ),
            (
                "No ED25519 host key is known for [node7]:2022 and you have requested strict checking.\nHost key verification failed.\n",
                "ssh.host_keys: accept-new",
            ),
            ("ada@node7: Permission denied (publickey,password).\n", "authorized_keys of ada"),
            (
                "Warning: Identity file /root/.ssh/id_ed25519 not accessible: No such file or directory.\nada@node7: Permission denied (publickey).\n",
                "can't be read: is that its path?",
            ),
            (
                "@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nada@node7: Permission denied (publickey).\n",
                "chmod 600 /root",
            ),
            ("Received disconnect from 10.0.0.7 port 22:2: Too many authentication failures\n", "as ssh.key"),
            ("sudo: a password is required\n", "`ada ALL=(root) NOPASSWD: ALL`"),
            ("sudo: sorry, you must have a tty to run sudo\n", "NOPASSWD"),
            ("ada is not in the sudoers file.\n", "NOPASSWD"),
            ("sh: 1: sudo: not found\n", "there is no sudo"),
            ("bash: line 1: sudo: command not found\n", "there is no sudo"),
            ("ssh: Could not resolve hostname node7: Name or service not known\n", "`address` in the configuration"),
            ("ssh: connect to host node7 port 2022: Connection refused\n", "does sshd run"),
            ("ssh: connect to host node7 port 2022: Connection timed out\n", "is it on"),
            ("ssh: connect to host node7 port 2022: No route to host\n", "is it on"),
            ("kex_exchange_identification: Connection closed by remote host\n", "MaxStartups"),
            (
                "head: error writing 'standard output': No space left on device\nslurmdash could not be brought\n",
                "no room",
            ),
            ("mkdir: cannot create directory '/var/lib/x': Read-only file system\n", "only be read"),
            ("/bin/sh: 1: /var/lib/slurmdash-install/bin/slurmdash-0f: Permission denied\n", "noexec"),
            ("/bin/sh: 1: exec: /var/lib/x: Exec format error\n", "another kind of processor"),
            ("slurmdash could not be brought\n", "brought there whole"),
            ("This account is currently not available.\n", "nologin"),
            ("", "exit code 255"),
        ] {
            let text = no_start(&way("ada"), Broken::Gone, said, Some(255));
            assert!(text.starts_with("ada@node7 port 2022 can't be reached: ") && text.contains(told), "{text}");
        }
        let text = no_start(&way("root"), Broken::Gone, "root@node7: Permission denied (publickey).\n", Some(255));
        assert!(
            text.contains("PermitRootLogin") && text.ends_with("(ssh: root@node7: Permission denied (publickey).)")
        );
        let within = Duration::from_secs(9);
        let said = "client_loop: send disconnect: Broken pipe\r\n";
        let text = broke(&way("root"), Broken::Gone, within, said, Some(255), true);
        assert!(
            text.contains("broke off; whether the step was done is not known: `slurmdash install --resume`"),
            "{text}"
        );
        let text = broke(&way("root"), Broken::TimedOut, within, "", None, false);
        assert!(text.contains("no answer within 9 s; nothing was changed"), "{text}");
        assert!(broke(&way("root"), Broken::Gone, within, "", Some(101), true).contains("far end on root@node7"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(said in "(\\PC|\n|\r|Permission denied|sudo|not found){0,100}", code in any::<Option<i32>>()) {
            let text = no_start(&way("ada"), Broken::Gone, &said, code);
            prop_assert!(text.len() < 4000 && !text.contains('\n'));
            broke(&way("ada"), Broken::Gone, Duration::ZERO, &said, code, false);
        }
    }
}
