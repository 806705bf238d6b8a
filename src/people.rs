//! From an account of this dashboard to the hands of its Unix user.
//!
//! With `ssh.enabled` every account stands for a Unix user and everything is done as that one, over SSH. Without it
//! everything is done as the user this program runs as: for the demo, for tests, for a person's own computer.
use std::sync::Arc;

use slurmdash_api::jobs::Job;

use crate::auth::Principal;
use crate::hands::local::Local;
use crate::hands::{Hands, HandsError};
use crate::ssh::Pool;
use crate::store::Store;

/// Everybody's hands.
pub struct People(Via);

enum Via {
    Here(Arc<Local>),
    Ssh { pool: Arc<Pool>, store: Store },
}

impl People {
    /// Everything as the user this program runs as.
    pub fn here(local: Arc<Local>) -> Self {
        Self(Via::Here(local))
    }

    /// Everybody as their own Unix user.
    pub fn over_ssh(pool: Arc<Pool>, store: Store) -> Self {
        Self(Via::Ssh { pool, store })
    }

    /// The person's hands. Nothing is connected before they do something.
    pub async fn hands(&self, who: &Principal) -> Result<Arc<dyn Hands>, HandsError> {
        self.hands_of(&who.username, who.unix_user.as_deref()).await
    }

    /// The hands of the person with this account, for what is done without them: expiry, recovery.
    pub async fn hands_of_account(&self, user_id: &str) -> Result<Arc<dyn Hands>, HandsError> {
        match &self.0 {
            Via::Here(local) => Ok(local.clone()),
            Via::Ssh { store, .. } => {
                let user = store.user(user_id).map_err(|error| HandsError::Lost(error.to_string()))?;
                let user = user.ok_or_else(|| HandsError::NoAccount(user_id.to_owned()))?;
                self.hands_of(&user.username, user.unix_user.as_deref()).await
            }
        }
    }

    async fn hands_of(&self, username: &str, unix_user: Option<&str>) -> Result<Arc<dyn Hands>, HandsError> {
        match &self.0 {
            Via::Here(local) => Ok(local.clone()),
            Via::Ssh { pool, .. } => {
                let login = unix_user.ok_or_else(|| HandsError::NoAccount(username.to_owned()))?;
                pool.hands(login).await
            }
        }
    }

    /// The Unix user that a person's jobs run as.
    pub fn unix_user<'a>(&'a self, who: &'a Principal) -> Option<&'a str> {
        match &self.0 {
            Via::Here(local) => Some(&local.user().name),
            Via::Ssh { .. } => who.unix_user.as_deref(),
        }
    }

    /// Whether a job is a person's own: their account submitted it here or, where everybody is their own Unix user, it
    /// runs as theirs.
    pub fn is_own(&self, who: &Principal, job: &Job) -> bool {
        match &self.0 {
            Via::Here(_) => job.owner.as_deref() == Some(&who.username),
            // Whoever submitted it: it is the Unix user that counts on the cluster.
            Via::Ssh { .. } => who.unix_user.as_deref() == Some(&job.user),
        }
    }

    /// Whether everybody is their own Unix user.
    pub fn are_apart(&self) -> bool {
        matches!(self.0, Via::Ssh { .. })
    }

    /// Ends every connection.
    pub async fn shutdown(&self) {
        if let Via::Ssh { pool, .. } = &self.0 {
            pool.shutdown().await;
        }
    }
}
