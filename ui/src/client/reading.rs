//! Something that is read once, and again when it was changed.
use serde::de::DeserializeOwned;
use sycamore::prelude::*;

use super::Client;
use super::data::Remote;
use super::refetch::Refetch;

/// What is read; copies are the same.
pub struct Reading<T: 'static> {
    /// What was read.
    pub remote: Remote<T>,
    again: Signal<Refetch>,
}

impl<T> Clone for Reading<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reading<T> {}

impl<T: DeserializeOwned> Reading<T> {
    /// Reads what is at `path`, for as long as the current scope lives.
    pub fn new(client: Client, path: impl Into<String>) -> Self {
        let (remote, path) = (Remote::new(), path.into());
        let again = Refetch::new(0.0, move || {
            let path = path.clone();
            async move { remote.put(client.get::<T>(&path).await) }
        });
        again.soon();
        Self { remote, again: create_signal(again) }
    }

    /// Reads it again. Does nothing once its page was left.
    pub fn reload(self) {
        if self.again.is_alive() {
            self.again.get_clone_untracked().restart();
        }
    }
}
