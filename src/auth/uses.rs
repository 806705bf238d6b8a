//! When sessions and API keys were last used: remembered here, written down about once a minute for all together, so
//! that a request costs no write.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use slurmdash_api::UnixSeconds;

use super::principal::{Credential, Principal};
use crate::store::audit::{AuditEntry, By};
use crate::store::sessions::SessionUse;
use crate::store::{Store, StoreError};

/// Sessions and keys that are remembered at most; of more, what is already written has to do.
const MOST: usize = 100_000;

/// Uses that are still to be written down. Cheap to clone.
#[derive(Clone, Default)]
pub struct Uses(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    sessions: HashMap<String, SessionUse>,
    keys: HashMap<String, KeyUse>,
}

/// What an API key was used for since it was last written down.
struct KeyUse {
    /// The last call.
    by: By,
    calls: u64,
}

impl Uses {
    /// Remembers a call.
    pub fn note(&self, who: &Principal, now: UnixSeconds) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { sessions, keys } = &mut *waiting;
        match &who.credential {
            Credential::Session(id) => {
                let (is_known, is_full) = (sessions.get(id).map(|known| known.at), sessions.len() >= MOST);
                if is_known == Some(now) || (is_known.is_none() && is_full) {
                    return;
                }
                let address = who.origin.address.map(|address| address.to_string());
                let used = SessionUse { at: now, address, agent: who.origin.agent.clone() };
                sessions.insert(id.clone(), used);
            }
            Credential::ApiKey(id) => {
                if let Some(known) = keys.get_mut(id) {
                    known.calls += 1;
                    known.by.at = now;
                } else if keys.len() < MOST {
                    keys.insert(id.clone(), KeyUse { by: who.by(now), calls: 1 });
                }
            }
        }
    }

    /// Writes down what has come together. What can't be written is lost: it is only about when.
    pub async fn write(&self, store: &Store) -> Result<(), StoreError> {
        let Waiting { sessions, keys } = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !sessions.is_empty() {
            store.sessions_used(sessions.into_iter().collect()).await?;
        }
        if !keys.is_empty() {
            let keys = keys.into_iter().map(|(id, used)| {
                let calls = if used.calls == 1 { "1 call".to_owned() } else { format!("{} calls", used.calls) };
                let (at, said) = (used.by.at, format!("{id}: {calls}"));
                (id, at, AuditEntry::done(used.by, "api_key.use", said))
            });
            store.api_keys_used(keys.collect()).await?;
        }
        Ok(())
    }
}
