//! Signing in: who checks what somebody shows, how often they may try, and which account is theirs.
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};

use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::{AccountSource, MorePrompts, Prompt};

use super::cluster::{Ask, ClusterAccounts, ClusterError, ClusterUser, Outcome};
use super::oidc::{self, Begun, Oidc, OidcError};
use super::principal::{Origin, Principal};
use super::{Auth, AuthError, MAX_PASSWORD, TokenPair};
use crate::config::ClusterSignIn;
use crate::limits::devices::Devices;
use crate::limits::logins::{Attempt, Familiarity, Logins};
use crate::random;
use crate::secret::Secret;
use crate::security::{Security, kinds};
use crate::store::audit::{AuditEntry, By};
use crate::store::users::{Change, Edited, UserRecord, Which};
use crate::users;

/// Longest account name that is looked at, bytes.
const MAX_USERNAME: usize = 128;
/// Sign-ins that are remembered while their person answers questions; the oldest go.
const MAX_ASKED: usize = 512;

/// Signs people in.
pub struct SignIn {
    auth: Auth,
    logins: Logins,
    devices: Devices,
    security: Security,
    cluster: Option<(ClusterAccounts, ClusterSignIn)>,
    oidc: Option<Oidc>,
    asked: Mutex<HashMap<String, Asked>>,
}

/// A sign-in whose person answers questions.
struct Asked {
    attempt: Attempt,
    since: UnixSeconds,
}

/// Somebody who has just signed in.
pub struct Welcome {
    /// Who.
    pub who: Principal,
    /// Their tokens.
    pub tokens: TokenPair,
    /// What their browser shows next time, so that no stranger's failures keep it out.
    pub device: Secret,
}

/// What came of it.
pub enum SignInOutcome {
    /// They are in.
    In(Box<Welcome>),
    /// They are asked for more.
    More(MorePrompts),
}

/// Why somebody isn't signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// By what they showed, or how often.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// By the cluster.
    #[error(transparent)]
    Cluster(ClusterError),
    /// By the identity provider.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// The account's name is another account's.
    #[error("there is another account of the name {0} here; ask an administrator")]
    NameTaken(String),
    /// The account may not sign in.
    #[error("this account is disabled; ask an administrator")]
    Disabled,
    /// Nothing of the kind is configured.
    #[error("this way of signing in is not configured")]
    NotConfigured,
}

/// Somebody whom another place vouches for.
struct Vouched {
    source: AccountSource,
    username: String,
    subject: Option<String>,
    unix_user: Option<String>,
    email: Option<String>,
    /// By their groups there, or the default.
    roles: Vec<String>,
    /// Whether groups decide on roles at every sign-in; else an administrator does after the first.
    keeps_roles: bool,
}

impl SignIn {
    /// With what is configured beside the accounts of our own.
    pub fn new(
        auth: Auth,
        logins: Logins,
        security: Security,
        cluster: Option<(ClusterAccounts, ClusterSignIn)>,
        oidc: Option<Oidc>,
    ) -> Result<Self, AuthError> {
        let devices = Devices::new(&auth.store.token_key(random::bytes()?)?);
        Ok(Self { auth, logins, devices, security, cluster, oidc, asked: Mutex::default() })
    }

    /// Whether the cluster's own accounts are taken.
    pub fn takes_cluster_accounts(&self) -> bool {
        self.cluster.is_some()
    }

    /// What the single sign-on is called, when there is one.
    pub fn single_sign_on(&self) -> Option<&str> {
        self.oidc.as_ref().map(Oidc::name)
    }

    /// Forgets failures at an account.
    pub fn unlock(&self, username: &str) -> bool {
        self.logins.unlock(username)
    }

    /// By name and password. `device` is what the browser shows. An unknown user costs the same time as a wrong password.
    pub async fn by_password(
        &self,
        username: &str,
        password: Secret,
        device: Option<&str>,
        origin: Origin,
    ) -> Result<SignInOutcome, SignInError> {
        let is_plausible = username.len() <= MAX_USERNAME && password.expose().len() <= MAX_PASSWORD;
        let user = if is_plausible { self.auth.store.user_by_name(username).map_err(AuthError::from)? } else { None };
        let attempt = self.may_try(username, user.as_ref(), device, &origin)?;
        let password = if is_plausible { password } else { Secret::new(String::new()) };
        match (&user, &self.cluster) {
            (None, Some((cluster, _))) => self.by_cluster(cluster, username, password, attempt, origin).await,
            (Some(known), Some((cluster, _))) if known.source == AccountSource::Cluster => {
                self.by_cluster(cluster, username, password, attempt, origin).await
            }
            _ => {
                let user = self.own_password(user, password, attempt, &origin).await?;
                Ok(SignInOutcome::In(Box::new(self.welcome(user, AccountSource::Local, origin).await?)))
            }
        }
    }

    /// The answers to what was asked.
    pub async fn by_answers(
        &self,
        id: &str,
        answers: Vec<Secret>,
        origin: Origin,
    ) -> Result<SignInOutcome, SignInError> {
        let (cluster, _) = self.cluster.as_ref().ok_or(SignInError::NotConfigured)?;
        let outcome = cluster.answer(id, answers).await;
        if let Err(error @ ClusterError::Malformed { .. }) = outcome {
            return Err(SignInError::Cluster(error));
        }
        // Without one it went in a flood of others; the sign-in itself is the cluster's to judge.
        let asked = self.asked().remove(id);
        self.after_cluster(outcome, asked.map(|asked| asked.attempt), origin).await
    }

    /// Begins a sign-in at the identity provider.
    pub async fn begin_oidc(&self, next: Option<&str>) -> Result<Begun, SignInError> {
        Ok(self.oidc.as_ref().ok_or(SignInError::NotConfigured)?.start(next).await?)
    }

    /// Ends a sign-in at the identity provider; answers where the person wanted to go as well.
    pub async fn by_oidc(
        &self,
        ticket: &str,
        answer: oidc::Answer,
        origin: Origin,
    ) -> Result<(Welcome, Option<String>), SignInError> {
        let provider = self.oidc.as_ref().ok_or(SignInError::NotConfigured)?;
        let identity = provider.finish(ticket, answer).await.inspect_err(|error| {
            tracing::info!(%error, "a sign-in by the identity provider failed");
            self.security.note(kinds::LOGIN_FAILED, &origin.by(self.auth.clock.now()), "by the identity provider");
        })?;
        let vouched = Vouched {
            source: AccountSource::Oidc,
            subject: Some(format!("{} {}", identity.issuer, identity.subject)),
            username: identity.username,
            unix_user: identity.unix_user,
            email: identity.email,
            roles: identity.roles,
            keeps_roles: provider.maps_roles(),
        };
        let user = self.account_of(vouched, &origin).await?;
        Ok((self.welcome(user, AccountSource::Oidc, origin).await?, identity.next))
    }

    /// Checks somebody's own password again before they change it, counted like a sign-in.
    pub async fn check_password(
        &self,
        user: UserRecord,
        password: Secret,
        device: Option<&str>,
        origin: &Origin,
    ) -> Result<(), SignInError> {
        let attempt = self.may_try(&user.username, Some(&user), device, origin)?;
        let password = if password.expose().len() <= MAX_PASSWORD { password } else { Secret::new(String::new()) };
        self.own_password(Some(user), password, attempt, origin).await?;
        Ok(())
    }

    fn may_try(
        &self,
        username: &str,
        user: Option<&UserRecord>,
        device: Option<&str>,
        origin: &Origin,
    ) -> Result<Attempt, AuthError> {
        let now = self.auth.clock.now();
        let familiarity = match (user, device) {
            (Some(user), Some(device)) if self.devices.is_of(device, &user.id, now) => Familiarity::Device(device),
            (Some(user), _) if self.auth.has_session_from(&user.id, origin)? => Familiarity::Address,
            _ => Familiarity::Stranger,
        };
        let address = origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.logins.may_try(username, address, familiarity).map_err(|wait| {
            let by = By { user_id: user.map(|user| user.id.clone()), ..self.named(user, origin) };
            self.security.note(kinds::LOGIN_THROTTLED, &by, "too many sign-ins failed");
            AuthError::Throttled { seconds: wait.seconds }
        })
    }

    /// The account, when it is one of ours and this is its password.
    async fn own_password(
        &self,
        user: Option<UserRecord>,
        password: Secret,
        attempt: Attempt,
        origin: &Origin,
    ) -> Result<UserRecord, AuthError> {
        // No password is good for an account without a hash: one that others vouch for, or from the old system.
        let hash = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| !hash.is_empty());
        let is_right = match self.auth.passwords.verify(password, hash).await {
            Ok(is_right) => is_right,
            Err(error) => {
                attempt.untried();
                return Err(error);
            }
        };
        match user {
            Some(user) if is_right && user.is_active && user.source == AccountSource::Local => {
                attempt.succeeded();
                Ok(user)
            }
            user => {
                attempt.failed();
                self.security.note(kinds::LOGIN_FAILED, &self.named(user.as_ref(), origin), "wrong user or password");
                Err(AuthError::InvalidCredentials)
            }
        }
    }

    async fn by_cluster(
        &self,
        cluster: &ClusterAccounts,
        username: &str,
        password: Secret,
        attempt: Attempt,
        origin: Origin,
    ) -> Result<SignInOutcome, SignInError> {
        let outcome = cluster.begin(username, password, origin.address).await;
        self.after_cluster(outcome, Some(attempt), origin).await
    }

    async fn after_cluster(
        &self,
        outcome: Result<Outcome, ClusterError>,
        attempt: Option<Attempt>,
        origin: Origin,
    ) -> Result<SignInOutcome, SignInError> {
        match outcome {
            Ok(Outcome::SignedIn(person)) => {
                let user = self.account_of_unix_user(person, &origin).await?;
                if let Some(attempt) = attempt {
                    attempt.succeeded();
                }
                Ok(SignInOutcome::In(Box::new(self.welcome(user, AccountSource::Cluster, origin).await?)))
            }
            Ok(Outcome::Ask(Ask { id, instruction, prompts, expires_in })) => {
                if let Some(attempt) = attempt {
                    self.remember(id.clone(), attempt);
                }
                let prompts = prompts.into_iter().map(|prompt| Prompt { text: prompt.text, echo: prompt.echo });
                Ok(SignInOutcome::More(MorePrompts {
                    login_id: id,
                    instruction,
                    prompts: prompts.collect(),
                    expires_in,
                }))
            }
            Err(ClusterError::Refused { login, reason }) => {
                attempt.map(Attempt::failed);
                tracing::info!(login, reason, "a cluster account was refused");
                let user = self.auth.store.user_by_name(&login).map_err(AuthError::from)?;
                let by = self.named(user.as_ref(), &origin);
                self.security.note(kinds::LOGIN_FAILED, &by, "the cluster refused user or password");
                Err(AuthError::InvalidCredentials.into())
            }
            Err(error) => {
                // No password was found to be wrong.
                if let Some(attempt) = attempt {
                    attempt.untried();
                }
                if let ClusterError::Away { reason } = &error {
                    tracing::warn!(reason, "cluster accounts can't sign in");
                }
                Err(SignInError::Cluster(error))
            }
        }
    }

    async fn account_of_unix_user(&self, person: ClusterUser, origin: &Origin) -> Result<UserRecord, SignInError> {
        let rules = self.cluster.as_ref().map(|(_, rules)| rules);
        let vouched = Vouched {
            source: AccountSource::Cluster,
            username: person.login.clone(),
            subject: None,
            unix_user: Some(person.login),
            email: None,
            roles: rules
                .map(|rules| rules.roles_of(&person.groups))
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            keeps_roles: rules.is_some_and(|rules| !rules.roles.is_empty()),
        };
        let user = self.account_of(vouched, origin).await;
        match user {
            // To the outside it is one of many reasons.
            Err(SignInError::Disabled | SignInError::NameTaken(_)) => Err(AuthError::InvalidCredentials.into()),
            user => user,
        }
    }

    /// The account of somebody whom another place vouches for, made at their first sign-in.
    async fn account_of(&self, vouched: Vouched, origin: &Origin) -> Result<UserRecord, SignInError> {
        let known = match self.known(&vouched)? {
            Some(known) => known,
            None => match self.add(&vouched, origin).await? {
                Some(made) => return Ok(made),
                // Two first sign-ins at once, or the name is somebody else's.
                None => self.known(&vouched)?.ok_or_else(|| SignInError::NameTaken(vouched.username.clone()))?,
            },
        };
        if !known.is_active {
            let by = self.named(Some(&known), origin);
            self.security.note(kinds::LOGIN_FAILED, &by, "the account is disabled");
            return Err(SignInError::Disabled);
        }
        self.keep_up(known, vouched, origin).await
    }

    fn known(&self, vouched: &Vouched) -> Result<Option<UserRecord>, AuthError> {
        let store = &self.auth.store;
        Ok(match &vouched.subject {
            Some(subject) => store.user_by_subject(subject)?,
            None => store.user_by_name(&vouched.username)?.filter(|user| user.source == vouched.source),
        })
    }

    async fn add(&self, vouched: &Vouched, origin: &Origin) -> Result<Option<UserRecord>, AuthError> {
        let now = self.auth.clock.now();
        let user = UserRecord {
            source: vouched.source,
            subject: vouched.subject.clone(),
            unix_user: vouched.unix_user.clone(),
            email: vouched.email.clone(),
            roles: vouched.roles.clone(),
            ..UserRecord::new(random::id()?, vouched.username.clone(), String::new(), now)
        };
        let audit = AuditEntry::done(self.named(Some(&user), origin), "user.create", &user.username);
        Ok(self.auth.store.add_user(user.clone(), audit).await?.then_some(user))
    }

    /// Brings an account up to what the other place says.
    async fn keep_up(&self, known: UserRecord, vouched: Vouched, origin: &Origin) -> Result<UserRecord, SignInError> {
        let mut changes = Vec::new();
        if vouched.keeps_roles && known.roles != vouched.roles {
            changes.push(Change::Roles(vouched.roles));
        }
        if vouched.unix_user.is_some() && known.unix_user != vouched.unix_user {
            changes.push(Change::UnixUser(vouched.unix_user));
        }
        if vouched.email.is_some() && known.email != vouched.email {
            changes.push(Change::Email(vouched.email));
        }
        if changes.is_empty() {
            return Ok(known);
        }
        let by = self.named(Some(&known), origin);
        let edit = users::edit(Which::Id(known.id.clone()), &known.username, changes, &by, None);
        let administers = users::administers(&self.auth.roles);
        match self.auth.store.edit_user(edit, administers).await.map_err(AuthError::from)? {
            Edited::Done(user) => {
                self.auth.tell_ended(&user.id);
                Ok(*user)
            }
            Edited::LastAdmin => {
                tracing::warn!(user = known.username, "stays an administrator: it is the last one");
                Ok(known)
            }
            Edited::Unknown => Err(SignInError::Disabled),
        }
    }

    async fn welcome(&self, user: UserRecord, source: AccountSource, origin: Origin) -> Result<Welcome, AuthError> {
        let device = self.devices.issue(&user.id, self.auth.clock.now());
        let (who, tokens) = self.auth.begin(user, source, origin).await?;
        Ok(Welcome { who, tokens, device })
    }

    /// As audit log and events name somebody who is not in yet. A name that is no account's is not written down: it may
    /// be a password in the wrong field.
    fn named(&self, user: Option<&UserRecord>, origin: &Origin) -> By {
        let (user_id, username) = user.map(|user| (user.id.clone(), user.username.clone())).unzip();
        By { user_id, username, ..origin.by(self.auth.clock.now()) }
    }

    fn remember(&self, id: String, attempt: Attempt) {
        let since = self.auth.clock.now();
        let mut asked = self.asked();
        if asked.len() >= MAX_ASKED
            && let Some(oldest) = asked.iter().min_by_key(|(_, asked)| asked.since).map(|(id, _)| id.clone())
        {
            asked.remove(&oldest);
        }
        asked.insert(id, Asked { attempt, since });
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
