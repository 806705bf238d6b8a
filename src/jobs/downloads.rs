//! Downloads that a browser fetches by itself, as it does for files too large for a page's memory.
//!
//! A page can't add its token to such a request, and a token has no place in an address. So a signed-in page asks for a
//! ticket, which travels as a cookie for that one file, is good once and for a minute.
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::OutputStream;

use crate::auth::Principal;
use crate::random;
use crate::secret::Secret;
use crate::slurm::JobId;

/// Seconds that a ticket is good.
pub const GOOD_FOR: i64 = 60;
/// Most tickets at once; the oldest go.
const MOST: usize = 10_000;

/// The tickets that were given out and not used.
#[derive(Default)]
pub struct Downloads(Mutex<HashMap<Vec<u8>, Ticket>>);

struct Ticket {
    who: Principal,
    id: JobId,
    stream: OutputStream,
    until: UnixSeconds,
}

impl Downloads {
    /// A ticket for one file.
    pub fn give(
        &self,
        who: &Principal,
        id: &JobId,
        stream: OutputStream,
        now: UnixSeconds,
    ) -> Result<Secret, random::NoRandomness> {
        let secret = random::id()?;
        let ticket = Ticket { who: who.clone(), id: id.clone(), stream, until: now + GOOD_FOR };
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, ticket| ticket.until > now);
        if tickets.len() >= MOST
            && let Some(oldest) = tickets.iter().min_by_key(|(_, ticket)| ticket.until).map(|(key, _)| key.clone())
        {
            tickets.remove(&oldest);
        }
        tickets.insert(hash(&secret), ticket);
        Ok(Secret::new(secret))
    }

    /// Whose ticket this is, if it is for this file and still good. It is used up.
    pub fn take(&self, secret: &str, id: &JobId, stream: OutputStream, now: UnixSeconds) -> Option<Principal> {
        let ticket = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(secret))?;
        (ticket.until > now && ticket.id == *id && ticket.stream == stream).then_some(ticket.who)
    }
}

/// Looked up by hash, so that the time a look-up takes tells nothing of a ticket.
fn hash(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use slurmdash_api::auth::AccountSource;

    use crate::auth::{Credential, Origin};

    #[test]
    fn a_ticket_is_good_once_for_one_file_and_a_minute() {
        let who = Principal {
            user_id: "u".into(),
            username: "ada".into(),
            permissions: Vec::new(),
            roles: Vec::new(),
            source: AccountSource::Local,
            unix_user: None,
            credential: Credential::Session("s".into()),
            origin: Origin::default(),
        };
        let (downloads, id) = (Downloads::default(), JobId { job: 7, task: None });
        let give = || downloads.give(&who, &id, OutputStream::Stdout, 100).unwrap();
        let ticket = give();
        assert_eq!(downloads.take(ticket.expose(), &id, OutputStream::Stdout, 101), Some(who.clone()));
        assert_eq!(downloads.take(ticket.expose(), &id, OutputStream::Stdout, 101), None, "used up");
        let other = JobId { job: 8, task: None };
        assert_eq!(downloads.take(give().expose(), &other, OutputStream::Stdout, 101), None);
        assert_eq!(downloads.take(give().expose(), &id, OutputStream::Stderr, 101), None);
        assert_eq!(downloads.take(give().expose(), &id, OutputStream::Stdout, 160), None, "too late");
        assert_eq!(downloads.take("", &id, OutputStream::Stdout, 101), None);
    }
}
