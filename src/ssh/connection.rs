//! One SSH connection as one Unix user.
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, AuthResult, Handle, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg, Disconnect};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ca::Ca;
use super::known_hosts::Known;
use super::{Issued, Settings};
use crate::clock::Clock;
use crate::hands::{HandsError, words_of};
use crate::random;

/// A login host that takes longer than this is away.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A channel that takes longer than this to open is none.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// Nothing came for so long: ask whether the host is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// So many questions without an answer are the end.
const KEEP_ALIVE_MOST: usize = 3;
/// Nothing came for so long, not even an answer to that question: a host that stalls before anybody is signed in is not
/// asked.
const GIVEN_UP: Duration = Duration::from_mins(3);
/// Most of what a command says that is kept for an error, bytes.
const MOST_WORDS: usize = 4096;

/// A connection. Dropping it ends it and everything on it.
pub struct Connection {
    handle: Handle<Judge>,
    address: String,
    user: String,
}

/// What a short command said.
pub struct Said {
    /// Its exit code.
    pub code: Option<u32>,
    /// The beginning of its standard error.
    pub words: String,
}

impl Connection {
    /// Signs in as `user`, with a certificate that is made for it. `tell` hears of the certificate before it is shown.
    pub async fn open(
        settings: &Settings,
        ca: &Ca,
        user: &str,
        clock: &Clock,
        tell: impl FnOnce(Issued),
    ) -> Result<Self, HandsError> {
        match timeout(CONNECT_WITHIN, Self::sign_in(settings, ca, user, clock, tell)).await {
            Ok(opened) => opened,
            Err(_) => Err(silent(settings, CONNECT_WITHIN)),
        }
    }

    async fn sign_in(
        settings: &Settings,
        ca: &Ca,
        user: &str,
        clock: &Clock,
        tell: impl FnOnce(Issued),
    ) -> Result<Self, HandsError> {
        let (handle, local) = reach(settings, clock).await?;
        let mut connection = Self { handle, address: settings.address(), user: user.to_owned() };
        connection.show_certificate(settings, ca, local, clock, tell).await?;
        Ok(connection)
    }

    async fn show_certificate(
        &mut self,
        settings: &Settings,
        ca: &Ca,
        local: SocketAddr,
        clock: &Clock,
        tell: impl FnOnce(Issued),
    ) -> Result<(), HandsError> {
        let refused =
            |reason: String| HandsError::LoginRefused { host: settings.address(), user: self.user.clone(), reason };
        let unique = random::id().map_err(|error| refused(error.to_string()))?;
        let key_id = format!("slurmdash-{}-{unique}", self.user);
        let own: [IpAddr; 1] = [local.ip()];
        let sources = if settings.source_addresses.is_empty() { &own[..] } else { &settings.source_addresses };
        let (at, user) = (clock.now(), self.user.clone());
        let signed = ca.certificate(&user, &key_id, sources, at).map_err(|error| refused(error.to_string()))?;
        let (key, certificate) = signed;
        tell(Issued { key_id, user: user.clone(), host: settings.address(), at });
        match self.handle.authenticate_openssh_cert(user, Arc::new(key), certificate).await {
            Ok(AuthResult::Success) => Ok(()),
            Ok(AuthResult::Failure { .. }) => Err(refused(
                "it did not take the certificate: the account may be locked or expired, or sshd does not trust our key; \
                 an administrator finds the reason in sshd's log and the lines for sshd with `slurmdash ssh-ca show`"
                    .into(),
            )),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// A new channel.
    pub async fn channel(&self) -> Result<Channel<Msg>, HandsError> {
        let lost = |words: String| HandsError::NotSent(format!("{}: {words}", self.address));
        match timeout(OPEN_WITHIN, self.handle.channel_open_session()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(lost(error.to_string())),
            Err(_) => Err(lost(format!("no channel within {} s", OPEN_WITHIN.as_secs()))),
        }
    }

    /// Runs a command line that means the same to every login shell, gives it `input`, and waits for its end.
    pub async fn run(&self, line: &'static str, input: &[u8], within: Duration) -> Result<Said, HandsError> {
        let work = async {
            let channel = self.channel().await?;
            let failed = |error: russh::Error| HandsError::Lost(error.to_string());
            channel.exec(true, line).await.map_err(failed)?;
            let (mut answers, questions) = channel.split();
            let send = async {
                // A command that doesn't want its input ends; what it says then is what counts.
                let _ = questions.data(input).await;
                let _ = questions.eof().await;
            };
            let hear = async {
                let mut said = Said { code: None, words: String::new() };
                while let Some(message) = answers.wait().await {
                    match message {
                        ChannelMsg::ExitStatus { exit_status } => said.code = Some(exit_status),
                        ChannelMsg::ExtendedData { data, .. } | ChannelMsg::Data { data } => {
                            let room = MOST_WORDS.saturating_sub(said.words.len());
                            said.words.push_str(&String::from_utf8_lossy(&data[..data.len().min(room)]));
                        }
                        _ => {}
                    }
                }
                said
            };
            // What a command that has ended does not take is not waited for.
            tokio::pin!(hear);
            tokio::select! {
                said = &mut hear => Ok(said),
                () = send => Ok(hear.await),
            }
        };
        let what = || "a command on the login host".to_owned();
        timeout(within, work)
            .await
            .unwrap_or_else(|_| Err(HandsError::TimedOut { what: what(), seconds: within.as_secs() }))
    }

    /// Ends it.
    pub async fn close(&self) {
        leave(&self.handle).await;
    }
}

/// Connects and judges the host by its key; nobody is signed in yet. Also answers the address that it sees us from.
pub(super) async fn reach(settings: &Settings, clock: &Clock) -> Result<(Handle<Judge>, SocketAddr), HandsError> {
    let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await;
    let stream = stream.map_err(|error| unreachable(settings, words_of(&error)))?;
    let local = stream.local_addr().map_err(|error| unreachable(settings, words_of(&error)))?;
    let known = Known::read(&settings.known_hosts, &settings.host, settings.port);
    let known = Arc::new(known.map_err(|reason| untrusted(settings, reason))?);
    let config = Arc::new(config(&known));
    let judge = Judge::new(known, settings.host.clone(), clock.clone());
    let verdict = judge.verdict.clone();
    let handle = client::connect_stream(config, stream, judge).await.map_err(|error| {
        match verdict.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(reason) => untrusted(settings, reason),
            None => unreachable(settings, error.to_string()),
        }
    })?;
    Ok((handle, local))
}

/// Tells the host that we are leaving.
pub(super) async fn leave(handle: &Handle<Judge>) {
    // Whoever is gone can't be told.
    let _ = timeout(Duration::from_secs(1), handle.disconnect(Disconnect::ByApplication, "", "en")).await;
}

pub(super) fn unreachable(settings: &Settings, reason: String) -> HandsError {
    HandsError::Unreachable { host: settings.address(), reason }
}

/// The host kept silent for so long.
pub(super) fn silent(settings: &Settings, within: Duration) -> HandsError {
    unreachable(settings, format!("it gave no answer within {} s", within.as_secs()))
}

fn untrusted(settings: &Settings, reason: String) -> HandsError {
    tracing::error!(host = settings.address(), reason, "the login host is not trusted; nobody is signed in there");
    HandsError::HostKey { host: settings.address(), reason }
}

/// What is agreed with the host: it shows a key of a kind that we know it by.
fn config(known: &Known) -> client::Config {
    let mut config = client::Config {
        inactivity_timeout: Some(GIVEN_UP),
        keepalive_interval: Some(KEEP_ALIVE),
        keepalive_max: KEEP_ALIVE_MOST,
        nodelay: true,
        ..client::Config::default()
    };
    let mut kinds = known.algorithms();
    kinds.dedup();
    let others: Vec<_> = config.preferred.key.iter().filter(|kind| !kinds.contains(kind)).cloned().collect();
    kinds.extend(others);
    if known.has_authority() {
        config.preferred.host_key_certificates = kinds.clone().into();
    }
    config.preferred.key = kinds.into();
    config
}

/// Judges the host when it shows its key.
pub struct Judge {
    known: Arc<Known>,
    host: String,
    clock: Clock,
    /// Why it is not trusted.
    verdict: Arc<Mutex<Option<String>>>,
}

impl Judge {
    fn new(known: Arc<Known>, host: String, clock: Clock) -> Self {
        Self { known, host, clock, verdict: Arc::default() }
    }
}

impl client::Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        match self.known.judge(shown, &self.host, self.clock.now()) {
            Ok(()) => Ok(true),
            Err(reason) => {
                *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                Ok(false)
            }
        }
    }
}
