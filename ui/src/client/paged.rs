//! Lists that the server gives out page by page: the first page for an address that may change, and more when asked.
use serde::de::DeserializeOwned;
use slurmdash_api::audit::{AuditPage, EventPage};
use slurmdash_api::users::AccountPage;
use sycamore::prelude::*;

use super::Client;
use super::data::Remote;
use super::http::{ClientError, escape};
use super::refetch::Refetch;

/// Rows that a filter should find before the person has to ask for more.
const ENOUGH: usize = 20;
/// Pages that are read for that in one go: a filter that finds little must not read everything there is.
const AT_ONCE: usize = 8;

/// A page as the server sends it.
pub trait CursorPage: DeserializeOwned + 'static {
    /// How many rows are in it.
    fn count(&self) -> usize;
    /// Where the next page goes on.
    fn next(&self) -> Option<&str>;
    /// Takes in the page after it.
    fn append(&mut self, more: Self);
}

impl CursorPage for AccountPage {
    fn count(&self) -> usize {
        self.users.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn append(&mut self, more: Self) {
        self.users.extend(more.users);
        (self.next, self.total) = (more.next, more.total);
    }
}

impl CursorPage for AuditPage {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn append(&mut self, more: Self) {
        self.rows.extend(more.rows);
        self.next = more.next;
    }
}

impl CursorPage for EventPage {
    fn count(&self) -> usize {
        self.events.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn append(&mut self, more: Self) {
        self.events.extend(more.events);
        (self.next, self.open) = (more.next, more.open);
    }
}

/// A list; copies are the same one.
pub struct Paged<P: 'static> {
    /// What has been read so far, as one page. What was shown for the last address stays until the new one's answer.
    pub page: Remote<P>,
    /// True from a change of the address until its answer.
    pub busy: ReadSignal<bool>,
    /// True while more is being read.
    pub reading_on: ReadSignal<bool>,
    /// Why more could not be read.
    pub stuck: ReadSignal<Option<ClientError>>,
    again: Signal<Refetch>,
    on: Signal<Refetch>,
}

impl<P> Clone for Paged<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Paged<P> {}

impl<P: CursorPage> Paged<P> {
    /// Follows `url`, the address of the first page, for as long as the current scope lives.
    pub fn new(client: Client, url: ReadSignal<String>) -> Self {
        let page = Remote::<P>::new();
        let (busy, reading_on) = (create_signal(true), create_signal(false));
        let stuck = create_signal(None);
        let again = Refetch::new(0.0, move || async move {
            let answer = read(client, &url.get_clone_untracked(), None).await;
            batch(|| {
                busy.set(false);
                reading_on.set(false);
                stuck.set(None);
                page.put(answer);
            });
        });
        let on = Refetch::new(0.0, move || async move {
            let from = next_of(page);
            let Some(from) = from else { return };
            reading_on.set(true);
            let answer = read::<P>(client, &url.get_clone_untracked(), Some(from.clone())).await;
            // Meanwhile another list may have come: this is no part of it.
            if busy.get_untracked() || next_of(page).as_ref() != Some(&from) {
                return;
            }
            batch(|| {
                reading_on.set(false);
                match answer {
                    Ok(more) => {
                        stuck.set(None);
                        page.patch(|page| {
                            page.append(more);
                            true
                        });
                    }
                    Err(error) => stuck.set(Some(error)),
                }
            });
        });
        let first = again.clone();
        create_effect(move || {
            url.track();
            busy.set(true);
            first.restart();
        });
        Self {
            page,
            busy: *busy,
            reading_on: *reading_on,
            stuck: *stuck,
            again: create_signal(again),
            on: create_signal(on),
        }
    }

    /// Reads the first page again.
    pub fn reload(self) {
        // A call that ends after its page was left has nothing to bring up to date.
        if self.again.is_alive() {
            self.again.get_clone_untracked().restart();
        }
    }

    /// Reads what comes after what there is.
    pub fn read_on(self) {
        self.on.get_clone_untracked().soon();
    }
}

fn next_of<P: CursorPage>(page: Remote<P>) -> Option<String> {
    page.value().with_untracked(|page| page.as_ref().and_then(|page| page.next().map(str::to_owned)))
}

/// Reads from a place on until enough was found.
async fn read<P: CursorPage>(client: Client, url: &str, from: Option<String>) -> Result<P, ClientError> {
    let mut read: P = client.get(&continued(url, from.as_deref())).await?;
    for _ in 1..AT_ONCE {
        let next = read.next().map(str::to_owned);
        match next {
            Some(next) if read.count() < ENOUGH => read.append(client.get(&continued(url, Some(&next))).await?),
            _ => break,
        }
    }
    Ok(read)
}

/// The address of the page that goes on at `from`.
fn continued(url: &str, from: Option<&str>) -> String {
    match from {
        None => url.to_owned(),
        Some(from) => {
            let joint = if url.contains('?') { '&' } else { '?' };
            format!("{url}{joint}after={}", escape(from))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::continued;

    #[test]
    fn the_next_page_keeps_the_filters() {
        assert_eq!(continued("/api/v2/users", None), "/api/v2/users");
        assert_eq!(continued("/api/v2/users", Some("a/b")), "/api/v2/users?after=a%2Fb");
        assert_eq!(continued("/api/v2/users?q=x", Some("7")), "/api/v2/users?q=x&after=7");
    }
}
