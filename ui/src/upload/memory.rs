//! Which files were being sent when the page was left, so that choosing the same file again goes on where it was.
//! Kept in `localStorage`; the server's own list says how far each one came.
use std::collections::VecDeque;

use crate::browser;

const KEY: &str = "slurmdash.uploads";
/// Files remembered at most; the oldest are forgotten first.
const MOST: usize = 60;

/// What tells a file from others of the same name: its size and when it was changed as well.
pub fn fingerprint(username: &str, name: &str, size: u64, changed_ms: f64) -> String {
    format!("{username}|{name}|{size}|{changed_ms:.0}")
}

/// The upload that a file was part of.
pub fn recall(fingerprint: &str) -> Option<String> {
    read().into_iter().find(|(known, _)| known == fingerprint).map(|(_, id)| id)
}

/// Remembers that a file is being sent as `upload_id`.
pub fn remember(fingerprint: &str, upload_id: &str) {
    let entries = remembered(read(), fingerprint, upload_id);
    write(&entries);
}

/// Forgets an upload: it is done, or was cancelled.
pub fn forget(upload_id: &str) {
    let mut entries = read();
    let before = entries.len();
    entries.retain(|(_, id)| id != upload_id);
    if entries.len() != before {
        write(&entries);
    }
}

fn remembered(
    mut entries: VecDeque<(String, String)>,
    fingerprint: &str,
    upload_id: &str,
) -> VecDeque<(String, String)> {
    entries.retain(|(known, _)| known != fingerprint);
    entries.push_back((fingerprint.to_owned(), upload_id.to_owned()));
    while entries.len() > MOST {
        entries.pop_front();
    }
    entries
}

fn read() -> VecDeque<(String, String)> {
    browser::stored(KEY).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn write(entries: &VecDeque<(String, String)>) {
    if let Ok(text) = serde_json::to_string(entries) {
        browser::store(KEY, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut entries = VecDeque::new();
        for n in 0..MOST + 2 {
            entries = remembered(entries, &fingerprint("ada", "a.bin", n as u64, 5.0), &n.to_string());
        }
        assert_eq!(entries.len(), MOST);
        assert_eq!(entries[0].1, "2");
        entries = remembered(entries, "ada|a.bin|2|5", "again");
        assert_eq!(entries.len(), MOST);
        assert_eq!(entries.back().map(|(_, id)| id.as_str()), Some("again"));
    }
}
