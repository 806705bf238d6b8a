//! Password hashes: argon2id, a bounded number at once.
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use super::AuthError;
use crate::secret::Secret;

/// Hashes at once: each takes 19 MiB and a core for some 20 ms.
const AT_ONCE: usize = 2;
/// People who may wait for a hash; more are told to come back.
const WAITING: usize = 64;

/// Makes and checks password hashes.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    /// Checked against when there is no such user, so that this takes as long as a wrong password.
    nobody: Arc<str>,
}

impl Passwords {
    /// Makes the hash that nobody's password fits.
    pub fn new() -> Result<Self, AuthError> {
        let nobody = hash(&Secret::new(crate::random::password()?))?;
        Ok(Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            nobody: nobody.into(),
        })
    }

    /// The hash of a new password, in PHC notation.
    pub async fn hash(&self, password: Secret) -> Result<String, AuthError> {
        self.run(move || hash(&password)).await
    }

    /// Whether the password fits the hash; without a hash it never does, after the same work.
    pub async fn verify(&self, password: Secret, known: Option<String>) -> Result<bool, AuthError> {
        let is_known = known.is_some();
        let hash = known.unwrap_or_else(|| self.nobody.to_string());
        self.run(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| AuthError::Crypto(error.to_string()))?;
            let fits = Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok();
            Ok(fits && is_known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let _admitted = self.admitted.try_acquire().map_err(|_| AuthError::Busy)?;
        let running = self.running.clone().acquire_owned().await.map_err(|_| AuthError::Busy)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work itself: a client that goes away does not free the core it still uses.
            let _running = running;
            work()
        })
        .await
        .map_err(|error| AuthError::Crypto(error.to_string()))?
    }
}

/// The hash of a new password, in PHC notation; takes its time.
pub fn hash(password: &Secret) -> Result<String, AuthError> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    Ok(hash.map_err(|error| AuthError::Crypto(error.to_string()))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash(Secret::new("right".into())).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify(Secret::new("right".into()), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(Secret::new("wrong".into()), Some(hash)).await.unwrap());
        assert!(!passwords.verify(Secret::new("right".into()), None).await.unwrap());
    }
}
