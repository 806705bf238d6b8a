//! A login host that has gone bad: whatever it asks or keeps to itself, there is a clear answer in bounded time.
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::keys::ssh_key::private::{Ed25519Keypair, PrivateKey};
use russh::server::{self, Auth, Response};
use russh::{MethodKind, MethodSet};
use slurmdash::clock::Clock;
use slurmdash::hands::HandsError;
use slurmdash::secret::Secret;
use slurmdash::ssh::Settings;
use slurmdash::ssh::password::{PasswordAuth, Prompt, Question, Step};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// What it does when it is asked to let somebody in.
#[derive(Clone, Copy)]
enum Does {
    /// Asks these things, and takes any answer to them.
    Ask(&'static [&'static [(&'static str, bool)]]),
    /// Asks so many things at once.
    AskMany(usize),
    /// Says something so long, bytes.
    SayMuch(usize),
    /// Asks for the same again and again.
    AskForEver,
    /// Has empty rounds without end.
    NothingForEver,
    /// Says that it wants another method, without end.
    MoreForEver,
    /// Never says a word.
    Silent,
    /// Hangs up when it hears a password.
    HangUp,
    /// Hangs up before.
    HangUpAtOnce,
    /// Lets everybody in at once.
    Open,
}

struct Bad {
    does: Does,
    round: usize,
}

fn methods() -> MethodSet {
    MethodSet::from(&[MethodKind::KeyboardInteractive, MethodKind::Password][..])
}

fn ask(instructions: String, prompts: Vec<(Cow<'static, str>, bool)>) -> Auth {
    Auth::Partial { name: "".into(), instructions: instructions.into(), prompts: prompts.into() }
}

impl server::Handler for Bad {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        Ok(match self.does {
            Does::Open => Auth::Accept,
            Does::HangUp => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[MethodKind::Password][..])),
                partial_success: false,
            },
            Does::HangUpAtOnce => return Err(russh::Error::Disconnect),
            _ => Auth::Reject { proceed_with_methods: Some(methods()), partial_success: false },
        })
    }

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, Self::Error> {
        if matches!(self.does, Does::HangUp) {
            return Err(russh::Error::Disconnect);
        }
        Ok(Auth::Reject { proceed_with_methods: Some(methods()), partial_success: true })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        _: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let round = self.round;
        self.round += 1;
        Ok(match self.does {
            Does::Ask(rounds) => match rounds.get(round) {
                Some(prompts) => {
                    let prompts = prompts.iter().map(|(text, echo)| (Cow::Borrowed(*text), *echo)).collect();
                    ask(String::new(), prompts)
                }
                None => Auth::Accept,
            },
            Does::AskMany(many) => ask(String::new(), vec![("?".into(), false); many]),
            Does::SayMuch(bytes) => ask("\u{1b}[2J".to_owned() + &"x".repeat(bytes), vec![("Code:".into(), true)]),
            Does::AskForEver => ask(String::new(), vec![("Password: ".into(), false)]),
            Does::NothingForEver => ask(String::new(), Vec::new()),
            Does::MoreForEver => Auth::Reject { proceed_with_methods: Some(methods()), partial_success: true },
            Does::Silent => std::future::pending().await,
            Does::Open => Auth::Accept,
            Does::HangUp | Does::HangUpAtOnce => return Err(russh::Error::Disconnect),
        })
    }
}

/// Its key is among the known hosts: it was a good one once.
struct Host {
    dir: TempDir,
    address: SocketAddr,
    _server: AbortOnDropHandle<()>,
}

impl Host {
    async fn start(does: Does) -> Self {
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&slurmdash::random::bytes().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let line = format!("[127.0.0.1]:{} {}\n", address.port(), key.public_key().to_openssh().unwrap());
        std::fs::write(dir.path().join("known_hosts"), line).unwrap();
        let config = server::Config {
            keys: vec![key],
            methods: methods(),
            auth_rejection_time: Duration::ZERO,
            max_auth_attempts: usize::MAX,
            ..server::Config::default()
        };
        let config = Arc::new(config);
        let server = tokio::spawn(async move {
            let mut running = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (config, bad) = (config.clone(), Bad { does, round: 0 });
                running.push(AbortOnDropHandle::new(tokio::spawn(async move {
                    if let Ok(session) = server::run_stream(config, stream, bad).await {
                        let _ = session.await;
                    }
                })));
            }
        });
        Self { dir, address, _server: AbortOnDropHandle::new(server) }
    }

    fn auth(&self, within: Duration) -> PasswordAuth {
        let settings = Settings {
            host: "127.0.0.1".into(),
            port: self.address.port(),
            known_hosts: self.dir.path().join("known_hosts"),
            min_uid: 1000,
            source_addresses: Vec::new(),
            agent_path: None,
            program: "/nowhere".into(),
            max_connections: 1,
            idle: Duration::from_mins(1),
        };
        PasswordAuth::new(settings, Clock::system()).with_limit(within)
    }

    async fn begin(&self) -> Result<Step, HandsError> {
        self.auth(Duration::from_secs(20)).begin("ada", secret("right")).await
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn away(step: Result<Step, HandsError>) -> String {
    match step {
        Err(HandsError::Unreachable { reason, .. }) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(step) => panic!("{}", named(&step)),
    }
}

fn named(step: &Step) -> String {
    match step {
        Step::In => "in".into(),
        Step::Ask(question, _) => format!("{question:?}"),
        Step::Refused(reason) => format!("refused: {reason}"),
        Step::Expired => "expired".into(),
    }
}

#[tokio::test]
async fn ten_thousand_questions_and_megabytes_of_text_are_not_passed_on() {
    for many in [9, 10_000, 40_000] {
        let reason = away(Host::start(Does::AskMany(many)).await.begin().await);
        assert!(many > 10_000 || reason.contains("more than anybody can answer"), "{reason}");
    }
    let said = Host::start(Does::SayMuch(200_000)).await.begin().await.unwrap();
    let Step::Ask(Question { instruction, .. }, _) = &said else { panic!("{}", named(&said)) };
    assert_eq!(instruction, &("[2J".to_owned() + &"x".repeat(997)));
    away(Host::start(Does::SayMuch(3_000_000)).await.begin().await);
}

#[tokio::test]
async fn rounds_without_end_have_one() {
    let reason = away(Host::start(Does::NothingForEver).await.begin().await);
    assert!(reason.contains("more than anybody can answer"), "{reason}");
    let mut step = Host::start(Does::AskForEver).await.begin().await;
    let mut rounds = 1;
    while let Ok(Step::Ask(_, exchange)) = step {
        step = exchange.answer(vec![secret("again")]).await;
        rounds += 1;
    }
    assert!(away(step).contains("more than anybody can answer"));
    assert_eq!(rounds, 8);
    let step = Host::start(Does::MoreForEver).await.begin().await.unwrap();
    assert!(matches!(&step, Step::Refused(reason) if reason.contains("something else")), "{}", named(&step));
}

#[tokio::test]
async fn silence_is_waited_for_so_long_and_no_longer() {
    let begun = Instant::now();
    let host = Host::start(Does::Silent).await;
    let reason = away(host.auth(Duration::from_secs(2)).begin("ada", secret("right")).await);
    assert!(reason.contains("no answer within 2 s"), "{reason}");
    // Not even a key.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Host { address: mute.local_addr().unwrap(), ..host };
    let reason = away(host.auth(Duration::from_secs(2)).begin("ada", secret("right")).await);
    assert!(reason.contains("no answer within 2 s"), "{reason}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn hanging_up_is_a_refusal_only_after_the_password() {
    let step = Host::start(Does::HangUp).await.begin().await.unwrap();
    assert!(matches!(&step, Step::Refused(reason) if reason.contains("closed the connection")), "{}", named(&step));
    away(Host::start(Does::HangUpAtOnce).await.begin().await);
}

#[tokio::test]
async fn a_host_that_asks_for_nothing_proves_nothing() {
    for does in [Does::Open, Does::Ask(&[]), Does::Ask(&[&[], &[]])] {
        let step = Host::start(does).await.begin().await.unwrap();
        assert!(matches!(&step, Step::Refused(reason) if reason.contains("without asking")), "{}", named(&step));
    }
}

async fn questions(does: Does) -> Vec<Vec<Prompt>> {
    let mut step = Host::start(does).await.begin().await.unwrap();
    let mut asked = Vec::new();
    while let Step::Ask(question, exchange) = step {
        let answers = question.prompts.iter().map(|_| secret("1234")).collect();
        asked.push(question.prompts);
        step = exchange.answer(answers).await.unwrap();
    }
    assert_eq!(named(&step), "in");
    asked
}

#[tokio::test]
async fn the_password_answers_the_question_for_it_and_no_other() {
    let prompt = |text: &str, echo| Prompt { text: text.into(), echo };
    for (rounds, expected) in [
        (Does::Ask(&[&[("Password: ", false)], &[]]), vec![]),
        (
            Does::Ask(&[&[], &[("암호:", false)], &[("Verification code: ", false)]]),
            vec![vec![prompt("Verification code:", false)]],
        ),
        // The code first: the password is still good for its own question.
        (
            Does::Ask(&[&[("Verification code: ", false)], &[("Password: ", false)]]),
            vec![vec![prompt("Verification code:", false)]],
        ),
        (
            Does::Ask(&[&[("Passcode or option (1-3): ", true)], &[("Password: ", false)]]),
            vec![vec![prompt("Passcode or option (1-3):", true)]],
        ),
        // Both at once are the person's to type, and what comes then is something else.
        (
            Does::Ask(&[&[("Password: ", false), ("Code: ", true)], &[("PIN: ", false)]]),
            vec![vec![prompt("Password:", false), prompt("Code:", true)], vec![prompt("PIN:", false)]],
        ),
        (
            Does::Ask(&[&[("Password: ", false)], &[("PIN: ", false)], &[("PIN: ", false)]]),
            vec![vec![prompt("PIN:", false)], vec![prompt("PIN:", false)]],
        ),
    ] {
        assert_eq!(questions(rounds).await, expected);
    }
    let new = Does::Ask(&[&[("Password: ", false)], &[("Password expired. Change it.\nNew password: ", false)]]);
    assert_eq!(named(&Host::start(new).await.begin().await.unwrap()), "expired");
}
