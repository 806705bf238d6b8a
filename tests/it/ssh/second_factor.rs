//! What sshd asks beyond the password is asked of the person. Here it asks for the password a second time, through PAM.
use std::net::{IpAddr, Ipv4Addr};

use slurmdash::auth::cluster::{Ask, ClusterAccounts, ClusterError, Outcome};
use slurmdash::config::ClusterSignIn;
use slurmdash::secret::Secret;
use slurmdash::ssh::Settings;
use slurmdash::ssh::password::Prompt;

use super::passwords::{Accounts, RIGHT, refusal};
use super::sshd::Sshd;
use crate::support::eventually;

const TWO_STEPS: &str = "PasswordAuthentication yes\nAuthenticationMethods password,keyboard-interactive\n";

fn asked(outcome: Result<Outcome, ClusterError>) -> Ask {
    match outcome {
        Ok(Outcome::Ask(ask)) => ask,
        other => panic!("{other:?}"),
    }
}

fn is_over(outcome: &Result<Outcome, ClusterError>) -> bool {
    matches!(outcome, Err(ClusterError::Over))
}

#[tokio::test]
async fn a_second_step_is_asked_and_its_answer_decides() {
    let Some(mut sshd) = Sshd::start_with(TWO_STEPS) else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let ask = asked(accounts.begin(&user, RIGHT).await);
    assert_eq!(ask.prompts, [Prompt { text: "Password:".into(), echo: false }]);
    assert_eq!((ask.id.len(), accounts.accounts.waiting()), (32, 1));
    assert!((100..=120).contains(&ask.expires_in), "{}", ask.expires_in);
    // What can't be the answers leaves it waiting.
    for malformed in [&[][..], &["a", "b"], &["\0"], &[&"x".repeat(1025)]] {
        let refused = accounts.answer(&ask.id, malformed).await;
        assert!(matches!(refused, Err(ClusterError::Malformed { prompts: 1 })), "{refused:?}");
    }
    let Ok(Outcome::SignedIn(came_in)) = accounts.answer(&ask.id, &[RIGHT]).await else { panic!("{}", sshd.log()) };
    assert_eq!(came_in.login, user);
    assert!(is_over(&accounts.answer(&ask.id, &[RIGHT]).await), "an id is good once");
    let wrong = asked(accounts.begin(&user, RIGHT).await);
    refusal(accounts.answer(&wrong.id, &["wrong"]).await);
    assert!(is_over(&accounts.answer(&wrong.id, &[RIGHT]).await), "also after a wrong answer");
    refusal(accounts.begin(&user, "wrong").await);
    for id in ["", "0", &"0".repeat(32), &"x".repeat(10_000)] {
        assert!(is_over(&accounts.answer(id, &[RIGHT]).await), "{id:?}");
    }
    assert_eq!(accounts.accounts.waiting(), 0);
    eventually(async || sshd.connections().is_empty().then_some(())).await;
}

#[tokio::test]
async fn one_answer_of_two_at_the_same_moment_counts() {
    let Some(mut sshd) = Sshd::start_with(TWO_STEPS) else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let ask = asked(accounts.begin(&user, RIGHT).await);
    let (one, two) = tokio::join!(accounts.answer(&ask.id, &[RIGHT]), accounts.answer(&ask.id, &[RIGHT]));
    assert!(matches!(one, Ok(Outcome::SignedIn(_))) && is_over(&two), "{one:?} {two:?}");
}

#[tokio::test]
async fn it_waits_two_minutes_and_is_closed() {
    let Some(mut sshd) = Sshd::start_with(TWO_STEPS) else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let ask = asked(accounts.begin(&user, RIGHT).await);
    eventually(async || (sshd.connections().len() == 1).then_some(())).await;
    accounts.pass_time(121);
    assert!(is_over(&accounts.answer(&ask.id, &[RIGHT]).await));
    asked(accounts.begin(&user, RIGHT).await);
    accounts.pass_time(121);
    eventually(async || (accounts.accounts.waiting() == 0 && sshd.connections().is_empty()).then_some(())).await;
    asked(accounts.begin(&user, RIGHT).await);
    drop(accounts);
    eventually(async || sshd.connections().is_empty().then_some(())).await;
}

const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

async fn from_elsewhere(accounts: &ClusterAccounts, user: &str) -> Result<Outcome, ClusterError> {
    accounts.begin(user, Secret::new(RIGHT.into()), Some(ELSEWHERE)).await
}

#[tokio::test]
async fn so_many_wait_and_no_more() {
    let Some(mut sshd) = Sshd::start_with(TWO_STEPS) else { return };
    let users: Vec<String> = (0..6).map(|_| sshd.user_with(RIGHT)).collect();
    let accounts = Accounts::of(&sshd);
    let elsewhere = asked(from_elsewhere(&accounts.accounts, &users[0]).await);
    let mut asks = Vec::new();
    for _ in 0..4 {
        asks.push(asked(accounts.begin(&users[0], RIGHT).await));
    }
    assert_eq!(accounts.accounts.waiting(), 4);
    assert!(is_over(&accounts.answer(&asks[0].id, &[RIGHT]).await), "the oldest has made room");
    for user in &users[1..5] {
        for _ in 0..3 {
            asked(accounts.begin(user, RIGHT).await);
        }
    }
    // Fifteen from here: one more is as many as an address may have.
    asked(accounts.begin(&users[5], RIGHT).await);
    let refused = accounts.begin(&users[5], RIGHT).await;
    assert!(matches!(refused, Err(ClusterError::Busy)), "{refused:?}");
    assert_eq!(accounts.accounts.waiting(), 17);
    // Nobody elsewhere was pushed out, and others still come in there.
    let came_in = accounts.answer(&elsewhere.id, &[RIGHT]).await;
    assert!(matches!(came_in, Ok(Outcome::SignedIn(_))), "{came_in:?}");
    asked(from_elsewhere(&accounts.accounts, &users[5]).await);
    let came_in = accounts.answer(&asks[3].id, &[RIGHT]).await;
    assert!(matches!(came_in, Ok(Outcome::SignedIn(_))), "{came_in:?}");
}

#[tokio::test]
async fn a_host_that_stops_meanwhile_is_told() {
    let Some(mut sshd) = Sshd::start_with(TWO_STEPS) else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let ask = asked(accounts.begin(&user, RIGHT).await);
    sshd.crash();
    let away = accounts.answer(&ask.id, &[RIGHT]).await;
    assert!(matches!(away, Err(ClusterError::Away { .. })), "{away:?}");
    sshd.up();
    let ask = asked(accounts.begin(&user, RIGHT).await);
    // A listener that restarts leaves those who have begun alone.
    sshd.down();
    let came_in = accounts.answer(&ask.id, &[RIGHT]).await;
    assert!(matches!(came_in, Ok(Outcome::SignedIn(_))), "{came_in:?}");
}

#[tokio::test]
async fn sshds_own_patience_ends_a_sign_in_too() {
    let Some(mut sshd) = Sshd::start_with(&format!("{TWO_STEPS}LoginGraceTime 4\n")) else { return };
    let (user, accounts) = (sshd.user_with(RIGHT), Accounts::of(&sshd));
    let ask = asked(accounts.begin(&user, RIGHT).await);
    eventually(async || sshd.connections().is_empty().then_some(())).await;
    let reason = refusal(accounts.answer(&ask.id, &[RIGHT]).await);
    assert!(reason.contains("LoginGraceTime"), "{reason}");
}

/// sshd asks whoever it is, and only at the end it is no.
#[tokio::test]
async fn who_may_not_is_asked_the_same() {
    let Some(mut sshd) = Sshd::start_with("AuthenticationMethods keyboard-interactive\n") else { return };
    let user = sshd.user_with(RIGHT);
    let may = Accounts::of(&sshd);
    let rules = ClusterSignIn { groups: vec!["no-such-group".into()], ..ClusterSignIn::default() };
    let may_not = Accounts::with(sshd.settings(), rules);
    assert!(matches!(may.begin(&user, RIGHT).await, Ok(Outcome::SignedIn(_))));
    refusal(may_not.begin(&user, RIGHT).await);
    let low = Accounts::with(Settings { min_uid: 1, ..sshd.settings() }, ClusterSignIn::default());
    refusal(low.begin("root", RIGHT).await);
}
