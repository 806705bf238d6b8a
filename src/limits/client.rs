//! Whose request it is: the client's address, also behind proxies.
//!
//! What `X-Forwarded-For` and `Forwarded` (RFC 7239) say is believed only as far as trusted proxies wrote it: each
//! appends the address it was called from, so the list is walked from its end, and the first address that is no trusted
//! proxy's is the client's. What stands before it anybody may have made up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::{AsHeaderName, FORWARDED};
use ipnet::IpNet;

/// Entries that are looked at, from the end; more proxies in a row are no network's.
const MAX_ENTRIES: usize = 32;

/// The client's address, in its plain form (an IPv4 address mapped into IPv6 is one of IPv4).
///
/// The peer's own unless the peer is a trusted proxy; also when what the proxy sent can't be read, or when both headers
/// are there and disagree: a proxy writes one of them and passes on the other as the client made it up.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(peer) {
        return peer;
    }
    let walk = |entries: Option<Vec<Entry>>| {
        let Some(entries) = entries else { return peer };
        let mut address = peer;
        for entry in entries.into_iter().rev().take(MAX_ENTRIES) {
            match entry {
                Entry::Address(next) => address = next,
                // The proxy before it wouldn't or couldn't say who called it.
                Entry::Hidden => break,
                Entry::Malformed => return peer,
            }
            if !is_trusted(address) {
                break;
            }
        }
        address
    };
    let x_forwarded_for = joined(headers, "x-forwarded-for").map(|text| walk(text.map(|text| list(&text))));
    let forwarded = joined(headers, FORWARDED).map(|text| walk(text.and_then(|text| elements(&text))));
    match (x_forwarded_for, forwarded) {
        (Some(address), None) | (None, Some(address)) => address,
        (Some(one), Some(other)) if one == other => one,
        _ => peer,
    }
}

/// One proxy's word on who called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Address(IpAddr),
    Hidden,
    Malformed,
}

/// All lines of a header in their order, as one list; `Some(None)` when they are no text.
#[expect(clippy::option_option, reason = "absent and unreadable are told apart")]
fn joined(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Option<String>> {
    let lines: Result<Vec<&str>, _> = headers.get_all(name).iter().map(|line| line.to_str()).collect();
    match lines {
        Ok(lines) if lines.is_empty() => None,
        Ok(lines) => Some(Some(lines.join(","))),
        Err(_) => Some(None),
    }
}

/// The entries of `X-Forwarded-For`.
fn list(text: &str) -> Vec<Entry> {
    text.split(',').map(|entry| node(entry.trim_matches([' ', '\t']))).collect()
}

/// The `for` of each element of `Forwarded`; nothing when the list has no such form (RFC 7239, section 4).
fn elements(text: &str) -> Option<Vec<Entry>> {
    let mut found = Vec::new();
    for element in split(text, ',')? {
        let mut caller = None;
        for pair in split(element, ';')? {
            let pair = pair.trim_matches([' ', '\t']);
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=')?;
            let value = unquoted(value)?;
            if name.eq_ignore_ascii_case("for") && caller.replace(node(&value)).is_some() {
                // Twice in one element.
                return None;
            }
        }
        found.push(caller.unwrap_or(Entry::Hidden));
    }
    Some(found)
}

/// Parts between separators that are not within quotes; nothing when a quote is left open.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(|letter: char| {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && letter == '\\' {
            is_escaped = true;
        } else if letter == '"' {
            is_quoted = !is_quoted;
        } else {
            return letter == separator && !is_quoted;
        }
        false
    });
    let parts = parts.collect();
    (!is_quoted).then_some(parts)
}

/// A token, or the text of a quoted string (RFC 9110, section 5.6.4).
fn unquoted(value: &str) -> Option<String> {
    let Some(inside) = value.strip_prefix('"') else {
        return (!value.is_empty() && !value.contains(['"', ' ', '\t'])).then(|| value.to_owned());
    };
    let inside = inside.strip_suffix('"')?;
    let mut letters = inside.chars();
    let mut text = String::with_capacity(inside.len());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return None,
            '\\' => text.push(letters.next()?),
            letter => text.push(letter),
        }
    }
    Some(text)
}

/// `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, each but the bare IPv6 address with or without a port; `unknown`, or a
/// name that hides the caller (RFC 7239, section 6).
fn node(text: &str) -> Entry {
    let is_hidden = |name: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
        name.eq_ignore_ascii_case("unknown")
            || name.strip_prefix('_').is_some_and(|name| !name.is_empty() && name.chars().all(plain))
    };
    let is_port = |port: &str| {
        let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|digit| digit.is_ascii_digit());
        is_number || port.starts_with('_') && is_hidden(port)
    };
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Entry::Address(IpAddr::V6(address).to_canonical());
    }
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return match address.parse::<Ipv6Addr>() {
            Ok(address) if rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port) => {
                Entry::Address(IpAddr::V6(address).to_canonical())
            }
            _ => Entry::Malformed,
        };
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    if port.is_some_and(|port| !is_port(port)) {
        return Entry::Malformed;
    }
    match name.parse::<Ipv4Addr>() {
        Ok(address) => Entry::Address(address.into()),
        Err(_) if is_hidden(name) => Entry::Hidden,
        Err(_) => Entry::Malformed,
    }
}

#[cfg(test)]
mod tests;
