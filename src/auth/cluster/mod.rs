//! Cluster accounts: people sign in with the name and password they have on the cluster. The login host's sshd checks
//! them, so PAM, directories and second factors count as they do at the command line.
//!
//! Nothing tells a stranger which accounts there are: whoever may not sign in is tried at sshd under a name that nobody
//! has, with the same questions and the same pauses, and is refused in the same words.

mod waiting;

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_lc_rs::digest;
use slurmdash_api::UnixSeconds;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::MAX_PASSWORD;
use crate::clock::Clock;
use crate::config::ClusterSignIn;
use crate::hands::HandsError;
use crate::random;
use crate::secret::Secret;
use crate::ssh::password::{PasswordAuth, Prompt, Step};
use crate::{ssh, unix};
use waiting::{Rooms, Waiting};

/// A sign-in is over after so long, seconds, however many answers it had: sshd's own `LoginGraceTime`, by default.
pub const OVER_AFTER: UnixSeconds = 120;
/// Passwords that are being checked at once: sshd drops new connections beyond `MaxStartups`, 10 by default.
const CHECKS: usize = 8;
/// Whoever waits longer than this for a turn is told to come back.
const TURN_WITHIN: Duration = Duration::from_secs(5);
/// Pause between two looks for sign-ins that are over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Checks names and passwords of the cluster.
pub struct ClusterAccounts {
    shared: Arc<Shared>,
    _reaper: AbortOnDropHandle<()>,
}

struct Shared {
    auth: PasswordAuth,
    rules: ClusterSignIn,
    clock: Clock,
    checks: Semaphore,
    rooms: Rooms,
}

/// A Unix user whom the cluster took in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterUser {
    /// Login.
    pub login: String,
    /// Number.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Names of all groups, sorted.
    pub groups: Vec<String>,
}

/// What came of a password or of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// They are who they say.
    SignedIn(ClusterUser),
    /// The cluster wants to know more of them.
    Ask(Ask),
}

/// What the cluster wants to know, such as a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// For [`ClusterAccounts::answer`], once; nobody can guess it.
    pub id: String,
    /// The login host's words, plain text; may be empty.
    pub instruction: String,
    /// Its questions, in the order of the answers.
    pub prompts: Vec<Prompt>,
    /// Seconds until it is too late.
    pub expires_in: UnixSeconds,
}

/// Why somebody isn't let in.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// For whatever reason; to the outside they are all the same.
    #[error("Invalid credentials")]
    Refused {
        /// The name that was given; cut where it is long, without control characters.
        login: String,
        /// For the log and the audit log, never for who asks.
        reason: String,
    },
    /// The password is right, and the cluster wants a new one first.
    #[error("the password has expired; change it on the login host, then sign in here")]
    Expired {
        /// The name.
        login: String,
    },
    /// The login host or the list of users can't be asked, or is not to be trusted.
    #[error("sign-in with a cluster account is not possible at the moment; try again later")]
    Away {
        /// For the log, never for who asks.
        reason: String,
    },
    /// Too many sign in or owe answers.
    #[error("too many sign-ins with cluster accounts at once; try again in a moment")]
    Busy,
    /// There is no sign-in with this id: it took too long, was answered already, or never was.
    #[error("this sign-in is over; begin again")]
    Over,
    /// These can't be the answers; the sign-in goes on waiting.
    #[error("there must be {prompts} answers of at most {MAX_PASSWORD} bytes each")]
    Malformed {
        /// How many questions there are.
        prompts: usize,
    },
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
}

/// Whether somebody may sign in when the password is right; why not.
type Verdict = Result<ClusterUser, String>;

impl ClusterAccounts {
    /// Nothing is connected yet. Must be called inside a Tokio runtime.
    pub fn new(auth: PasswordAuth, rules: ClusterSignIn, clock: Clock) -> Self {
        let (checks, rooms) = (Semaphore::new(CHECKS), Rooms::default());
        let shared = Arc::new(Shared { auth, rules, clock, checks, rooms });
        let reaper = tokio::spawn(end_late(Arc::downgrade(&shared)));
        Self { shared, _reaper: AbortOnDropHandle::new(reaper) }
    }

    /// Checks a name and password from an address.
    pub async fn begin(&self, login: &str, password: Secret, address: Option<IpAddr>) -> Result<Outcome, ClusterError> {
        let shared = &self.shared;
        let until = shared.clock.now() + OVER_AFTER;
        // Refused before anything is asked: it tells nothing of any account.
        if !unix::is_login(login) {
            return Err(refused(login, "it can't be the name of a Unix user"));
        }
        if !is_plausible(&password) || password.expose().is_empty() {
            return Err(refused(login, "nobody has such a password: it is empty, has a NUL, or is too long"));
        }
        if !shared.rooms.have_room(address) {
            return Err(ClusterError::Busy);
        }
        let turn = timeout(TURN_WITHIN, shared.checks.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(ClusterError::Busy)?;
        let verdict = shared.verdict(login).await?;
        let step = match &verdict {
            Ok(user) => shared.auth.begin(&user.login, password).await,
            Err(_) => shared.auth.begin(&stand_in(login), Secret::new("-".into())).await,
        };
        shared.outcome(Owed { login: login.to_owned(), address, until, verdict }, step)
    }

    /// Goes on with the answers to [`Ask`]. The id is used up, also when the answers are wrong.
    pub async fn answer(&self, id: &str, answers: Vec<Secret>) -> Result<Outcome, ClusterError> {
        let are_plausible = answers.iter().all(is_plausible);
        let waiting = self.shared.rooms.take(id, self.shared.clock.now(), |prompts| {
            if are_plausible && answers.len() == prompts { Ok(()) } else { Err(ClusterError::Malformed { prompts }) }
        })?;
        let step = waiting.exchange.answer(answers).await;
        self.shared.outcome(waiting.owed, step)
    }

    /// How many sign-ins wait for answers.
    pub fn waiting(&self) -> usize {
        self.shared.rooms.len()
    }
}

/// A sign-in that is not decided.
struct Owed {
    login: String,
    address: Option<IpAddr>,
    until: UnixSeconds,
    verdict: Verdict,
}

impl Shared {
    async fn verdict(&self, login: &str) -> Result<Verdict, ClusterError> {
        let away = |reason: String| ClusterError::Away { reason };
        let user = match ssh::judge(login, self.auth.min_uid()).await {
            Ok(user) => user,
            Err(error @ (HandsError::NoUser(_) | HandsError::NotAllowed { .. })) => return Ok(Err(error.to_string())),
            Err(error) => return Err(away(error.to_string())),
        };
        let groups = unix::groups_of(&user).await.map_err(|error| away(error.to_string()))?;
        if !self.rules.admits(&groups) {
            return Ok(Err("it is in none of the groups that may sign in (auth.cluster.groups)".into()));
        }
        Ok(Ok(ClusterUser { login: user.name, uid: user.uid, gid: user.gid, groups }))
    }

    fn outcome(&self, owed: Owed, step: Result<Step, HandsError>) -> Result<Outcome, ClusterError> {
        let step = step.map_err(|error| ClusterError::Away { reason: error.to_string() })?;
        let reason = match (step, owed.verdict) {
            (Step::In, Ok(user)) => return Ok(Outcome::SignedIn(user)),
            (Step::Expired, Ok(user)) => return Err(ClusterError::Expired { login: user.login }),
            (Step::Ask(question, exchange), verdict) => {
                let expires_in = owed.until - self.clock.now();
                if expires_in <= 0 {
                    return Err(ClusterError::Over);
                }
                let prompts = question.prompts.len();
                let id = self.rooms.put(Waiting { owed: Owed { verdict, ..owed }, prompts, exchange })?;
                return Ok(Outcome::Ask(Ask {
                    id,
                    instruction: question.instruction,
                    prompts: question.prompts,
                    expires_in,
                }));
            }
            (_, Err(reason)) | (Step::Refused(reason), Ok(_)) => reason,
        };
        Err(refused(&owed.login, &reason))
    }
}

fn refused(login: &str, reason: &str) -> ClusterError {
    let login = login.chars().take(64).filter(|c| !c.is_control()).collect();
    ClusterError::Refused { login, reason: reason.to_owned() }
}

/// Whether it can be what somebody typed: PAM takes texts without NUL.
fn is_plausible(answer: &Secret) -> bool {
    answer.expose().len() <= MAX_PASSWORD && !answer.expose().contains('\0')
}

/// The name that is tried for one who may not sign in: nobody's, and each has their own, as sshd's pauses differ from
/// name to name.
fn stand_in(login: &str) -> String {
    let digest = digest::digest(&digest::SHA256, login.as_bytes());
    format!("slurmdash-{}", random::hex(&digest.as_ref()[..4]))
}

/// Ends the sign-ins that took too long.
async fn end_late(shared: Weak<Shared>) {
    let mut turns = interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        shared.rooms.end_late(shared.clock.now());
    }
}
