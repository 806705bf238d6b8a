//! What names, paths and values may be. Everything here ends in files that daemons read or in arguments of commands, so
//! only what is plain gets through.
use std::net::IpAddr;
use std::path::{Component, Path};

/// Whether a text has 1 to `most` characters, begins with a letter or digit and has else these beside letters and digits.
fn is_plain(text: &str, most: usize, besides: &str) -> bool {
    text.len() <= most
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || besides.contains(c))
}

/// A label of a host name (RFC 1123, 2.1).
pub(super) fn is_host_name(text: &str) -> bool {
    is_plain(text, 63, "-") && !text.ends_with('-')
}

/// A full host name (RFC 1123, 2.1) or an address.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_domain(text)
}

fn is_domain(text: &str) -> bool {
    // What looks like an address and is none would be asked of the name service.
    let numbers = text.chars().all(|c| c.is_ascii_digit() || c == '.') && text.contains('.');
    text.len() <= 253 && text.split('.').all(is_host_name) && !numbers
}

/// `ClusterName`: it becomes part of names of tables.
pub(crate) fn is_cluster_name(text: &str) -> bool {
    is_plain(text, 40, "_-") && !text.chars().any(|c| c.is_ascii_uppercase())
}

/// Names of partitions and features.
pub(crate) fn is_slurm_name(text: &str) -> bool {
    is_plain(text, 64, "_.-")
}

/// Names of accounts and QOS, which Slurm keeps in lower case.
pub(super) fn is_account_name(text: &str) -> bool {
    is_plain(text, 64, "_.-") && !text.chars().any(|c| c.is_ascii_uppercase())
}

/// A login: useradd(8) and directories take more than one kind.
pub(super) fn is_login(text: &str) -> bool {
    is_plain(text.strip_prefix('_').unwrap_or(text), 32, "_.@-")
}

/// Free text in an argument of sacctmgr(1), which takes quotes and = for its own.
pub(super) fn is_description(text: &str) -> bool {
    let plain = |c: char| !c.is_control() && !"\"'`\\=,".contains(c);
    !text.trim().is_empty() && text.len() <= 255 && text.chars().all(plain)
}

/// An option's name, as slurm.conf(5) and sacctmgr(1) have them.
pub(super) fn is_option_name(text: &str) -> bool {
    is_plain(text, 64, "_")
}

/// What is wrong with an option's value, for a line of slurm.conf(5): `#` begins a comment there, quotes can't be escaped
/// and a backslash joins lines.
pub(super) fn wrong_value(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("must not be empty")
    } else if text.len() > 4096 {
        Some("is longer than 4096 characters")
    } else if text.chars().any(char::is_control) {
        Some("must be one line without control characters")
    } else if text.contains(['#', '"', '\\']) {
        Some("must have no #, \" or \\, which have a meaning of their own in Slurm's files")
    } else if text.trim() != text {
        Some("must not begin or end with a space")
    } else {
        None
    }
}

/// A path that is absolute and has no `.`, `..`, doubled or last slash, and only characters that no file or command takes
/// for its own.
pub(super) fn is_clean_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+@-".contains(c);
    path.len() <= 1024 && path.chars().all(plain) && is_normal(path)
}

fn is_normal(path: &str) -> bool {
    let components = Path::new(path).components();
    let names: Vec<&str> =
        components.filter_map(|part| if let Component::Normal(name) = part { name.to_str() } else { None }).collect();
    !names.is_empty() && format!("/{}", names.join("/")) == path
}

/// A key file of ssh(1): a clean path, or one beginning with `~/`.
pub(super) fn is_key_file(path: &str) -> bool {
    is_clean_path(path.strip_prefix('~').unwrap_or(path))
}

/// Hosts on the way, as ssh(1) takes them with `-J`.
pub(super) fn is_jump(text: &str) -> bool {
    text.split(',').all(|hop| {
        let (user, host) = hop.split_once('@').map_or((None, hop), |(user, host)| (Some(user), host));
        let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, "")) => (address, None),
            Some((address, port)) => (address, Some(port.strip_prefix(':').unwrap_or(""))),
            None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        };
        user.is_none_or(is_login)
            && is_address(host)
            && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|n| n > 0))
    })
}

/// `http://` or `https://` and a host, perhaps a port, and nothing behind it (RFC 6454, 6.2).
pub(super) fn is_site(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '[' | ']');
    host.is_some_and(|host| !host.is_empty() && host.chars().all(plain) && !text.ends_with(':'))
}

/// The address of a mirror, without a password in it.
pub(super) fn is_mirror(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+~:%[]-".contains(c);
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && rest.chars().all(plain)
    })
}

/// `MaxTime` as slurm.conf(5) takes it.
pub(super) fn is_time_limit(text: &str) -> bool {
    let number = |part: &str| (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let is_clock = |text: &str, most: usize| text.split(':').count() <= most && text.split(':').all(number);
    match text.split_once('-') {
        Some((days, clock)) => number(days) && is_clock(clock, 3),
        None => is_clock(text, 3) || matches!(text.to_ascii_uppercase().as_str(), "UNLIMITED" | "INFINITE"),
    }
}

/// `22.05`, `22.05.8`.
pub(super) fn is_version(text: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (2..=3).contains(&text.split('.').count()) && text.split('.').all(number)
}
