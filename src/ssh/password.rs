//! Whether the login host's sshd takes a person's password, and what else it asks of them.
//!
//! `password` (RFC 4252, section 8) and `keyboard-interactive` (RFC 4256), through which PAM asks for passwords and second
//! factors. Nothing is ever done over these connections: they are closed once it is decided, and no channel is opened.
use std::time::Duration;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Reply, Prompt as Asked};
use russh::{MethodKind, MethodSet};
use tokio::time::timeout;

use super::Settings;
use super::connection::{CONNECT_WITHIN, Judge, leave, reach, silent, unreachable};
use crate::clock::Clock;
use crate::hands::HandsError;
use crate::secret::Secret;

/// The host must decide or ask within so long. PAM is slow on purpose after a wrong password, and a push to a telephone
/// waits for a person.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// Most rounds of questions in one sign-in. PAM needs one for the password, one for each factor, one to end with.
const MOST_ROUNDS: usize = 8;
/// Most questions in one round.
const MOST_PROMPTS: usize = 8;
/// Most of a text of the host's that is shown, characters.
const MOST_TEXT: usize = 1000;

/// Password authentication at the login host.
pub struct PasswordAuth {
    settings: Settings,
    clock: Clock,
    within: Duration,
}

/// What came of a password, or of answers.
pub enum Step {
    /// The host takes them in.
    In,
    /// The host asks for more.
    Ask(Question, Box<Exchange>),
    /// The host does not take them in: wrong password, locked account, or anything else. Why, as far as it is known, is
    /// for administrators.
    Refused(String),
    /// The password is right and has expired.
    Expired,
}

/// What the host asks of the person. All texts are the host's, without control characters and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it says; may be empty and may have several lines.
    pub instruction: String,
    /// What it wants to know, in this order.
    pub prompts: Vec<Prompt>,
}

/// One thing that the host wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its words; may have several lines.
    pub text: String,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

/// A sign-in under way, waiting for answers. Dropping it closes its connection.
pub struct Exchange {
    handle: Handle<Judge>,
    settings: Settings,
    clock: Clock,
    within: Duration,
    login: String,
    /// As long as it may be of use.
    password: Option<Secret>,
    /// Whether the host has had it, so that what it asks now is something else.
    used: bool,
    /// Each method is tried once.
    tried: Vec<MethodKind>,
    /// Whether the present method was told something that only the person knows.
    told: bool,
    /// Whether any method was.
    ever_told: bool,
    rounds: usize,
}

/// How the exchange stands.
enum Verdict {
    In,
    Ask(Question),
    Refused(String),
    Expired,
    /// The host does not keep to what can be expected of one.
    Senseless(String),
}

impl PasswordAuth {
    /// Nothing is connected yet.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self { settings, clock, within: ANSWER_WITHIN }
    }

    /// With another time within which the host must decide or ask.
    #[must_use]
    pub fn with_limit(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// Nobody below this number signs in.
    pub fn min_uid(&self) -> u32 {
        self.settings.min_uid
    }

    /// Begins a sign-in. The errors are [`HandsError::Unreachable`] and [`HandsError::HostKey`].
    pub async fn begin(&self, login: &str, password: Secret) -> Result<Step, HandsError> {
        let handle = connect(&self.settings, &self.clock, self.within).await?;
        let exchange = Exchange {
            handle,
            settings: self.settings.clone(),
            clock: self.clock.clone(),
            within: self.within,
            login: login.to_owned(),
            password: Some(password),
            used: false,
            tried: Vec::new(),
            told: false,
            ever_told: false,
            rounds: 0,
        };
        exchange.settle(None).await
    }
}

async fn connect(settings: &Settings, clock: &Clock, within: Duration) -> Result<Handle<Judge>, HandsError> {
    let within = within.min(CONNECT_WITHIN);
    let reached = timeout(within, reach(settings, clock)).await.map_err(|_| silent(settings, within))?;
    Ok(reached?.0)
}

impl Exchange {
    /// Goes on with the person's answers, one for each prompt. Errors are those of [`PasswordAuth::begin`].
    pub async fn answer(mut self, answers: Vec<Secret>) -> Result<Step, HandsError> {
        self.has_told();
        self.settle(Some(answers)).await
    }

    /// Talks until it is decided or the person is asked.
    async fn settle(mut self, answers: Option<Vec<Secret>>) -> Result<Step, HandsError> {
        let within = self.within;
        let talked = timeout(within, self.talk(answers)).await.map_err(|_| silent(&self.settings, within))?;
        let step = match talked {
            Ok(Verdict::Ask(question)) => return Ok(Step::Ask(question, Box::new(self))),
            Ok(Verdict::In) => Ok(Step::In),
            Ok(Verdict::Refused(reason)) => Ok(Step::Refused(reason)),
            Ok(Verdict::Expired) => Ok(Step::Expired),
            Ok(Verdict::Senseless(reason)) => Err(unreachable(&self.settings, reason)),
            Err(error) => return self.cut_off(&error).await,
        };
        leave(&self.handle).await;
        step
    }

    /// The host has hung up. sshd does that to an account that PAM does not admit after its password was taken, so a host
    /// that is still there has refused.
    async fn cut_off(self, error: &russh::Error) -> Result<Step, HandsError> {
        if !self.ever_told {
            return Err(unreachable(&self.settings, error.to_string()));
        }
        let handle = connect(&self.settings, &self.clock, self.within).await?;
        leave(&handle).await;
        let words = "it closed the connection instead of an answer: the account may be expired or not admitted by PAM, or \
                     the answer came after sshd's LoginGraceTime";
        Ok(Step::Refused(words.into()))
    }

    async fn talk(&mut self, answers: Option<Vec<Secret>>) -> Result<Verdict, russh::Error> {
        let mut reply = match answers {
            // Asks for the methods there are.
            None => self.handle.authenticate_none(&self.login).await.and_then(reply_of)?,
            Some(answers) => self.respond(&answers).await?,
        };
        loop {
            reply = match reply {
                Reply::Success if self.ever_told => return Ok(Verdict::In),
                Reply::Success => {
                    return Ok(Verdict::Refused("it lets this one in without asking for anything".into()));
                }
                Reply::Failure { partial_success: false, .. } if self.told => {
                    return Ok(Verdict::Refused("it does not take the password, or what else it asked for".into()));
                }
                Reply::Failure { remaining_methods, .. } => match self.try_next(&remaining_methods).await? {
                    Some(reply) => reply,
                    None => return Ok(Verdict::Refused(no_way(&remaining_methods))),
                },
                Reply::InfoRequest { name, instructions, prompts } => {
                    self.rounds += 1;
                    if self.rounds > MOST_ROUNDS || prompts.len() > MOST_PROMPTS {
                        let words = "it asks for more than anybody can answer";
                        return Ok(Verdict::Senseless(words.into()));
                    }
                    let question = question(&[name, instructions], &prompts);
                    if self.ever_told && wants_new_password(&question) {
                        return Ok(Verdict::Expired);
                    }
                    match self.own_answer(&question) {
                        Some(answers) => self.respond(&answers).await?,
                        None => return Ok(Verdict::Ask(question)),
                    }
                }
            };
        }
    }

    /// Tries the next method that the host offers; `keyboard-interactive` first, as that one tells of expired passwords.
    async fn try_next(&mut self, offered: &MethodSet) -> Result<Option<Reply>, russh::Error> {
        self.told = false;
        let has_left = |method| offered.contains(&method) && !self.tried.contains(&method);
        if has_left(MethodKind::KeyboardInteractive) {
            self.tried.push(MethodKind::KeyboardInteractive);
            return self.handle.authenticate_keyboard_interactive_start(&self.login, None).await.map(Some);
        }
        let Some(password) = self.password.clone().filter(|_| has_left(MethodKind::Password)) else { return Ok(None) };
        self.tried.push(MethodKind::Password);
        self.used = true;
        self.has_told();
        self.handle.authenticate_password(&self.login, password.expose()).await.and_then(reply_of).map(Some)
    }

    /// The answers to a round that the person need not be asked: none to one without prompts, and the password to the
    /// first that wants one thing which may not be seen.
    fn own_answer(&mut self, question: &Question) -> Option<Vec<Secret>> {
        match question.prompts.as_slice() {
            [] => return Some(Vec::new()),
            // A code before the password: the password's turn may come.
            [prompt] if !self.used && (prompt.echo || wants_code(&prompt.text)) => return None,
            [_] if !self.used => {
                self.used = true;
                self.has_told();
                return self.password.clone().map(|password| vec![password]);
            }
            _ => {}
        }
        // The host has had it, or the person types it among other answers.
        self.used = true;
        self.password = None;
        None
    }

    fn has_told(&mut self) {
        (self.told, self.ever_told) = (true, true);
    }

    async fn respond(&mut self, answers: &[Secret]) -> Result<Reply, russh::Error> {
        let answers = answers.iter().map(|answer| answer.expose().to_owned()).collect();
        self.handle.authenticate_keyboard_interactive_respond(answers).await
    }
}

fn reply_of(result: AuthResult) -> Result<Reply, russh::Error> {
    match result {
        AuthResult::Success => Ok(Reply::Success),
        // So russh tells that the host has hung up.
        AuthResult::Failure { remaining_methods, partial_success: false } if remaining_methods.is_empty() => {
            Err(russh::Error::Disconnect)
        }
        AuthResult::Failure { remaining_methods, partial_success } => {
            Ok(Reply::Failure { remaining_methods, partial_success })
        }
    }
}

fn no_way(offered: &MethodSet) -> String {
    let offered: Vec<&str> = offered.iter().map(Into::into).collect();
    format!(
        "its sshd wants something else than a password and answers from this person; what it offers: {}",
        if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") }
    )
}

fn question(said: &[String], asked: &[Asked]) -> Question {
    let said: Vec<&str> = said.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    let prompt = |asked: &Asked| Prompt { text: plain(&asked.prompt), echo: asked.echo };
    Question { instruction: plain(&said.join("\n")), prompts: asked.iter().map(prompt).collect() }
}

/// A text of the host's that may be shown: its lines, without control characters, without what turns the direction of
/// writing around or can't be seen, and not too much of it.
fn plain(text: &str) -> String {
    let is_hidden =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let shown = text.chars().take(4 * MOST_TEXT).map(|c| if c == '\t' { ' ' } else { c });
    let shown = shown.filter(|c| *c == '\n' || !(c.is_control() || is_hidden(*c)));
    shown.take(MOST_TEXT).collect::<String>().trim().to_owned()
}

/// Whether a prompt wants a code and not the password.
fn wants_code(text: &str) -> bool {
    let text = text.to_lowercase();
    ["code", "one-time", "one time", "otp", "token"].iter().any(|word| text.contains(word))
}

/// Whether PAM wants the password changed before it goes on, in the words of its modules for Unix, Kerberos, LDAP and
/// SSSD.
fn wants_new_password(question: &Question) -> bool {
    let texts = question.prompts.iter().map(|prompt| &prompt.text).chain([&question.instruction]);
    texts.map(|text| text.to_lowercase()).any(|text| {
        let is_over = text.contains("expired") || text.contains("change your") || text.contains("change it now");
        text.contains("new password") || (text.contains("password") && is_over)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_texts_are_shown_plainly() {
        assert_eq!(plain("Duo login for ada\n\n 1. Push\r\n\tpick: "), "Duo login for ada\n\n 1. Push\n pick:");
        assert_eq!(plain("\u{1b}[2Jroot\u{202e}toor\0\u{9b}31m\u{200b}"), "[2Jroottoor31m");
        assert_eq!(plain(&"가".repeat(5000)).chars().count(), MOST_TEXT);
        assert_eq!(plain(&"\0".repeat(1 << 20)), "");
        let asked = [Asked { prompt: "Code: ".into(), echo: true }];
        let said = ["  ".to_owned(), "look at your phone".to_owned()];
        let expected = Prompt { text: "Code:".into(), echo: true };
        assert_eq!(
            question(&said, &asked),
            Question { instruction: "look at your phone".into(), prompts: vec![expected] }
        );
    }

    #[test]
    fn codes_and_expired_passwords_are_told_from_the_password() {
        for text in
            ["Verification code: ", "One-time password (OATH) for `ada': ", "OTP:", "Passcode or option (1-3): "]
        {
            assert!(wants_code(text), "{text}");
        }
        for text in ["Password: ", "(ada@login) Password: ", "LDAP Password:", "암호:", "Enter PIN"] {
            assert!(!wants_code(text), "{text}");
        }
        let ask = |text: &str| question(&[], &[Asked { prompt: text.into(), echo: false }]);
        for text in [
            "You are required to change your password immediately (administrator enforced).\nCurrent password: ",
            "Password expired. Change your password now.\nCurrent Password: ",
            "Password expired.  You must change it now.\nEnter new password: ",
            "New password: ",
        ] {
            assert!(wants_new_password(&ask(text)), "{text}");
        }
        for text in [
            "Warning: your password will expire in 7 days.\nCode: ",
            "Your code has expired, next code: ",
            "Second password: ",
        ] {
            assert!(!wants_new_password(&ask(text)), "{text}");
        }
    }
}
