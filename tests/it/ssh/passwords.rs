//! Signing in with a name and password of the cluster: a real sshd and PAM decide.
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use slurmdash::auth::cluster::{ClusterAccounts, ClusterError, ClusterUser, Outcome};
use slurmdash::clock::Clock;
use slurmdash::config::ClusterSignIn;
use slurmdash::secret::Secret;
use slurmdash::ssh::{PasswordAuth, Settings};

use super::sshd::Sshd;
use crate::support::eventually;

/// What sshd offers when nothing else is said: keyboard-interactive, through PAM.
const INTERACTIVE: &str = "";
const PASSWORD: &str = "PasswordAuthentication yes\nKbdInteractiveAuthentication no\n";
const EITHER: &str = "PasswordAuthentication yes\n";

pub const RIGHT: &str = "correct horse 말 \\ ' \"";

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Cluster accounts with a clock that can be moved on.
pub struct Accounts {
    pub accounts: ClusterAccounts,
    seconds: Arc<AtomicI64>,
}

impl Accounts {
    pub fn with(settings: Settings, rules: ClusterSignIn) -> Self {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = {
            let (seconds, system) = (seconds.clone(), Clock::system());
            Clock::from_fn(move || system.now() + seconds.load(Ordering::Relaxed))
        };
        let auth = PasswordAuth::new(settings, clock.clone());
        Self { accounts: ClusterAccounts::new(auth, rules, clock), seconds }
    }

    pub fn of(sshd: &Sshd) -> Self {
        Self::with(sshd.settings(), ClusterSignIn::default())
    }

    pub fn pass_time(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub async fn begin(&self, login: &str, password: &str) -> Result<Outcome, ClusterError> {
        self.accounts.begin(login, Secret::new(password.into()), Some(ADDRESS)).await
    }

    pub async fn answer(&self, id: &str, answers: &[&str]) -> Result<Outcome, ClusterError> {
        let answers = answers.iter().map(|answer| Secret::new((*answer).to_owned())).collect();
        self.accounts.answer(id, answers).await
    }

    /// Must be let in.
    async fn comes_in(&self, login: &str, password: &str) -> ClusterUser {
        match self.begin(login, password).await {
            Ok(Outcome::SignedIn(user)) => user,
            other => panic!("{login}: {other:?}"),
        }
    }
}

/// Must be a refusal like every other; gives its reason, which is not for the outside.
pub fn refusal(outcome: Result<Outcome, ClusterError>) -> String {
    let error = outcome.unwrap_err();
    assert_eq!(error.to_string(), "Invalid credentials", "{error:?}");
    match error {
        ClusterError::Refused { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

fn run(program: &str, args: &[&str]) {
    assert!(Command::new(program).args(args).status().unwrap().success(), "{program} {args:?}");
}

fn id(args: &[&str]) -> String {
    String::from_utf8(Command::new("id").args(args).output().unwrap().stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_right_password_comes_in_and_no_other_however_sshd_asks() {
    for (how, accepted) in
        [(INTERACTIVE, "keyboard-interactive/pam"), (PASSWORD, "password"), (EITHER, "keyboard-interactive/pam")]
    {
        let Some(mut sshd) = Sshd::start_with(how) else { return };
        let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
        let came_in = accounts.comes_in(&user, RIGHT).await;
        assert_eq!(
            (came_in.uid, came_in.gid),
            (id(&["-u", &user]).parse().unwrap(), id(&["-g", &user]).parse().unwrap())
        );
        assert_eq!((came_in.login.as_str(), came_in.groups.as_slice()), (user.as_str(), &[id(&["-gn", &user])][..]));
        let words = format!("Accepted {accepted} for {user}");
        eventually(async || sshd.log().contains(&words).then_some(())).await;
        let reason = refusal(accounts.begin(&user, "wrong").await);
        assert!(reason.contains("does not take the password"), "{reason}");
        let begun = sshd.log().matches("Starting session").count();
        assert_eq!(begun, 0, "nothing is ever done there: {}", sshd.log());
        assert_eq!(accounts.accounts.waiting(), 0);
        let log = sshd.log();
        assert!(!log.contains("wrong") && !log.contains("horse"), "{log}");
    }
}

#[tokio::test]
async fn locked_and_expired_accounts_are_pams_to_judge() {
    for how in [INTERACTIVE, PASSWORD] {
        let Some(mut sshd) = Sshd::start_with(how) else { return };
        let (locked, expired, fine) = (sshd.user_with(RIGHT), sshd.user_with(RIGHT), sshd.user_with(RIGHT));
        run("usermod", &["-L", &locked]);
        run("chage", &["-E", "0", &expired]);
        let accounts = Accounts::of(&sshd);
        refusal(accounts.begin(&locked, RIGHT).await);
        let reason = refusal(accounts.begin(&expired, RIGHT).await);
        // With `password` sshd hangs up instead of a word.
        assert_eq!(reason.contains("closed the connection"), how == PASSWORD, "{reason}");
        refusal(accounts.begin(&expired, "wrong").await);
        accounts.comes_in(&fine, RIGHT).await;
    }
}

#[tokio::test]
async fn an_expired_password_is_told_to_who_knows_it() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    run("chage", &["-d", "0", &user]);
    let expired = accounts.begin(&user, RIGHT).await.unwrap_err();
    assert!(matches!(&expired, ClusterError::Expired { login } if *login == user), "{expired:?}");
    assert!(expired.to_string().contains("change it on the login host"), "{expired}");
    refusal(accounts.begin(&user, "wrong").await);
    assert_eq!(accounts.accounts.waiting(), 0);
}

#[tokio::test]
async fn groups_decide_who_may() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (member, primary, other) = (sshd.user_with(RIGHT), sshd.user_with(RIGHT), sshd.user_with(RIGHT));
    let group = format!("g{member}");
    run("groupadd", &[&group]);
    run("usermod", &["-aG", &group, &member]);
    let rules = ClusterSignIn {
        groups: vec!["no-such-group".into(), group.clone(), primary.clone()],
        ..ClusterSignIn::default()
    };
    let accounts = Accounts::with(sshd.settings(), rules);
    let came_in = accounts.begin(&member, RIGHT).await;
    run("gpasswd", &["-d", &member, &group]);
    let left = accounts.begin(&member, RIGHT).await;
    run("groupdel", &[&group]);
    let Ok(Outcome::SignedIn(came_in)) = came_in else { panic!("{came_in:?}") };
    assert_eq!(came_in.groups, [group, member.clone()]);
    accounts.comes_in(&primary, RIGHT).await;
    for (who, refused) in [(&other, accounts.begin(&other, RIGHT).await), (&member, left)] {
        let reason = refusal(refused);
        assert!(reason.contains("auth.cluster.groups"), "{who}: {reason}");
    }
    assert!(!sshd.log().contains(&other), "the password of one who may not is no sshd's business: {}", sshd.log());
}

#[tokio::test]
async fn who_may_not_is_tried_under_nobodys_name_and_refused_alike() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user_with(RIGHT);
    let low = Settings { min_uid: 1, ..sshd.settings() };
    let accounts = Accounts::with(low, ClusterSignIn::default());
    let tries = async |sshd: &Sshd, accounts: &Accounts, login: &str| {
        let before = sshd.log().len();
        refusal(accounts.begin(login, RIGHT).await);
        let log = sshd.log().split_off(before);
        assert!(log.contains("Invalid user slurmdash-"), "{login}: {log}");
        assert!(!log.contains(&format!("user {login} ")) && !log.contains(&format!("for {login} ")), "{login}: {log}");
        log
    };
    for login in ["root", "slurm", "nobody", "daemon", "no-such-user-here"] {
        tries(&sshd, &accounts, login).await;
    }
    let uid: u32 = id(&["-u", &user]).parse().unwrap();
    let high = Accounts::with(Settings { min_uid: uid + 1, ..sshd.settings() }, ClusterSignIn::default());
    tries(&sshd, &high, &user).await;
    accounts.comes_in(&user, RIGHT).await;
}

#[tokio::test]
async fn what_can_be_no_name_or_password_is_not_even_asked() {
    let Some(mut sshd) = Sshd::start_with(EITHER) else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let connections = |sshd: &Sshd| sshd.log().matches("Connection from").count();
    let before = connections(&sshd);
    let long = "a".repeat(10_000);
    let homoglyph = user.replacen('s', "ѕ", 1);
    let hostile =
        ["", "-l", "a b", "a;id", "$(id)", "../x", "a/b", "a\n", "a\0b", "ada@host", "a:b", &homoglyph, &long];
    for login in hostile.into_iter().chain([format!("{user}\0").as_str(), &format!("{user}\n"), &format!(" {user}")]) {
        let refused = accounts.begin(login, RIGHT).await.unwrap_err();
        let ClusterError::Refused { login: told, .. } = &refused else { panic!("{refused:?}") };
        assert!(told.len() <= 256 && !told.contains(char::is_control), "{told:?}");
    }
    for password in ["", "\0", &format!("{RIGHT}\0"), &"x".repeat(1025)] {
        refusal(accounts.begin(&user, password).await);
    }
    assert_eq!(connections(&sshd), before, "{}", sshd.log());
    // As long as may be, and any text that is none of the system's business.
    refusal(accounts.begin(&user, &"x".repeat(1024)).await);
    refusal(accounts.begin(&user, "\r\n\u{1b}[31m%s%n").await);
}

#[tokio::test]
async fn an_account_without_a_password_is_no_open_door() {
    let Some(mut sshd) = Sshd::start_with("PermitEmptyPasswords yes\nPasswordAuthentication yes\n") else { return };
    let (user, accounts) = (sshd.user(), Accounts::of(&sshd));
    run("passwd", &["-dq", &user]);
    refusal(accounts.begin(&user, "").await);
    let reason = refusal(accounts.begin(&user, "anything").await);
    assert!(reason.contains("without asking"), "{reason}");
}

#[tokio::test]
async fn where_sshd_takes_no_passwords_nobody_comes_in() {
    for how in [
        "KbdInteractiveAuthentication no\n",
        "AuthenticationMethods publickey\n",
        "AuthenticationMethods publickey,password\nPasswordAuthentication yes\n",
    ] {
        let Some(mut sshd) = Sshd::start_with(how) else { return };
        let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
        let reason = refusal(accounts.begin(&user, RIGHT).await);
        assert!(reason.contains("what it offers: publickey"), "{reason}");
    }
}

#[tokio::test]
async fn a_host_that_is_away_or_another_is_told_apart_from_a_refusal() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let away = async |login: &str, words: &str| {
        let error = accounts.begin(login, RIGHT).await.unwrap_err();
        assert!(error.to_string().contains("not possible at the moment"), "{error}");
        assert!(matches!(&error, ClusterError::Away { reason } if reason.contains(words)), "{error:?}");
    };
    sshd.know("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti");
    away(&user, "ITS KEY HAS CHANGED").await;
    std::fs::remove_file(sshd.path("known_hosts")).unwrap();
    away(&user, "ssh-keyscan").await;
    assert!(!sshd.log().contains(&user), "a host that is not trusted hears no name: {}", sshd.log());
    sshd.down();
    sshd.know("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti");
    away(&user, "can't be reached").await;
    away("no-such-user-here", "can't be reached").await;
    away("root", "can't be reached").await;
    let key = std::fs::read_to_string(sshd.path("host.pub")).unwrap();
    sshd.know(&key);
    sshd.up();
    accounts.comes_in(&user, RIGHT).await;
}

#[tokio::test]
async fn many_at_once_are_all_answered() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let asked = (0..20).map(|_| accounts.begin(&user, RIGHT));
    for outcome in futures_util::future::join_all(asked).await {
        assert!(matches!(outcome, Ok(Outcome::SignedIn(_)) | Err(ClusterError::Busy)), "{outcome:?}");
    }
    accounts.comes_in(&user, RIGHT).await;
}
