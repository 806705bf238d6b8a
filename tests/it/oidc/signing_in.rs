//! At a real provider: who is let in as whom, and every way that a sign-in must not be finished.
use std::os::unix::fs::OpenOptionsExt as _;

use serde_json::json;
use slurmdash::auth::oidc::{Answer, Begun, Identity, LIFETIME, Oidc, OidcError};
use slurmdash::config;
use tempfile::NamedTempFile;

use super::login::{Browser, Person};
use super::provider::{Provider, SECRET};
use super::{Time, answer, oidc, sent};

/// A file with the clients' secret.
fn secret() -> NamedTempFile {
    let file = tempfile::Builder::new()
        .make(|path| std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
    let file = file.unwrap();
    std::fs::write(file.path(), format!("{SECRET}\n")).unwrap();
    file
}

fn confidential<'a>(id: &'a str, secret: &'a NamedTempFile) -> impl FnOnce(&mut config::Oidc) + use<'a> {
    move |settings| {
        settings.client_id = id.into();
        settings.client_secret_file = Some(secret.path().into());
    }
}

/// Goes to the provider and comes back.
async fn there_and_back(oidc: &Oidc, person: Person<'_>) -> (Begun, Answer) {
    let begun = oidc.start(Some("/jobs")).await.unwrap();
    let back = answer(&Browser::new().at_provider(&begun.url, person).await);
    (begun, back)
}

async fn sign_in(oidc: &Oidc, account: &str) -> Result<Identity, OidcError> {
    let (begun, back) = there_and_back(oidc, Person::Is(account)).await;
    oidc.finish(begun.ticket.expose(), back).await
}

#[tokio::test]
async fn every_kind_of_client_and_signature_signs_in() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    for id in ["slurmdash", "in-body", "public", "ES256", "EdDSA", "PS256"] {
        let oidc = oidc(&provider.issuer, &Time::default(), |settings| {
            settings.client_id = id.into();
            settings.client_secret_file = (id != "public").then(|| secret.path().into());
        });
        let expected = Identity {
            issuer: provider.issuer.clone(),
            subject: "alice".into(),
            username: "alice".into(),
            unix_user: Some("alice".into()),
            groups: vec!["hpc".into(), "staff".into()],
            roles: vec!["user".into()],
            email: Some("alice@uni.example".into()),
            next: Some("/jobs".into()),
        };
        assert_eq!(sign_in(&oidc, "alice").await.unwrap(), expected, "{id}");
    }
}

#[tokio::test]
async fn what_is_not_in_the_id_token_comes_from_the_userinfo_endpoint() {
    let Some(provider) = Provider::with(&json!({"in_id_token": false})) else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    let alice = sign_in(&oidc, "alice").await.unwrap();
    assert_eq!((alice.username.as_str(), alice.groups), ("alice", vec!["hpc".to_owned(), "staff".to_owned()]));
}

#[tokio::test]
async fn groups_let_in_and_give_roles() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), |settings| {
        confidential("slurmdash", &secret)(settings);
        settings.unix_user_domains = vec!["uni.example".into()];
        settings.allowed_groups = vec!["hpc-admin".into()];
        settings.groups_claim = "realm_access.roles".into();
        settings.roles = [("hpc-admin".to_owned(), "admin".to_owned())].into();
    });
    let bob = sign_in(&oidc, "bob").await.unwrap();
    assert_eq!((bob.username.as_str(), bob.unix_user.as_deref()), ("bob@uni.example", Some("bob")));
    assert_eq!((bob.roles, bob.email), (vec!["admin".to_owned()], None));
    for account in ["alice", "mallory"] {
        assert!(matches!(sign_in(&oidc, account).await, Err(OidcError::NotAllowed)), "{account}");
    }
}

#[tokio::test]
async fn a_claim_that_is_no_name_is_refused() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    let refused = sign_in(&oidc, "mallory").await.unwrap_err();
    assert_eq!(refused.code(), "provider_claim");
    assert!(refused.to_string().contains("can't be an account's name: ../../root"), "{refused}");
}

#[tokio::test]
async fn a_person_who_goes_back_is_not_signed_in() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    let (begun, back) = there_and_back(&oidc, Person::Refuses).await;
    assert_eq!((back.error.as_deref(), &back.code), (Some("access_denied"), &None));
    let ticket = begun.ticket.expose();
    assert!(matches!(oidc.finish(ticket, back.clone()).await, Err(OidcError::Denied)));
    assert!(matches!(oidc.finish(ticket, back).await, Err(OidcError::NotUnderWay)), "the ticket is used up");
}

#[tokio::test]
async fn ticket_and_code_are_good_once() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    let (begun, back) = there_and_back(&oidc, Person::Is("alice")).await;
    oidc.finish(begun.ticket.expose(), back.clone()).await.unwrap();
    assert!(matches!(oidc.finish(begun.ticket.expose(), back.clone()).await, Err(OidcError::NotUnderWay)));
    let other = oidc.start(None).await.unwrap();
    let again = Answer { state: Some(sent(&other, "state")), ..back };
    let refused = oidc.finish(other.ticket.expose(), again).await.unwrap_err();
    assert!(matches!(&refused, OidcError::Refused { error, .. } if error == "invalid_grant"), "{refused}");
}

#[tokio::test]
async fn a_code_that_another_browser_got_is_of_no_use() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    let (attacker, code) = there_and_back(&oidc, Person::Is("mallory")).await;
    let victim = oidc.start(None).await.unwrap();
    // As it came: another's state.
    let refused = oidc.finish(victim.ticket.expose(), code.clone()).await;
    assert!(matches!(refused, Err(OidcError::NotUnderWay)));
    // Without one, without a ticket, with the attacker's ticket and the victim's state.
    let state = Some(sent(&victim, "state"));
    for (ticket, state) in [
        (victim.ticket.expose(), None),
        (victim.ticket.expose(), Some(String::new())),
        ("", code.state.clone()),
        ("no such ticket", code.state.clone()),
        (attacker.ticket.expose(), state.clone()),
    ] {
        let refused = oidc.finish(ticket, Answer { state, ..code.clone() }).await;
        assert!(matches!(refused, Err(OidcError::NotUnderWay)));
    }
    // Even with the right state the code was made for another challenge (RFC 7636).
    let refused = oidc.finish(victim.ticket.expose(), Answer { state, ..code.clone() }).await.unwrap_err();
    assert!(matches!(&refused, OidcError::Refused { error, .. } if error == "invalid_grant"), "{refused}");
    // The provider has taken it back by now: a code that somebody else tried is good for nobody.
    assert!(oidc.finish(attacker.ticket.expose(), code).await.is_err());
}

#[tokio::test]
async fn made_up_answers_don_t_end_what_was_begun() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    let (begun, back) = there_and_back(&oidc, Person::Is("alice")).await;
    let made_up = Answer { state: Some("x".into()), error: Some("access_denied".into()), ..Answer::default() };
    assert!(matches!(oidc.finish(begun.ticket.expose(), made_up).await, Err(OidcError::NotUnderWay)));
    assert_eq!(oidc.finish(begun.ticket.expose(), back).await.unwrap().username, "alice");
}

#[tokio::test]
async fn ten_minutes_are_the_limit() {
    let Some(provider) = Provider::start() else { return };
    let (secret, time) = (secret(), Time::default());
    let oidc = oidc(&provider.issuer, &time, confidential("slurmdash", &secret));
    let (begun, back) = there_and_back(&oidc, Person::Is("alice")).await;
    time.pass(LIFETIME);
    assert!(matches!(oidc.finish(begun.ticket.expose(), back).await, Err(OidcError::NotUnderWay)));
}

#[tokio::test]
async fn an_answer_of_another_provider_is_not_taken() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    for iss in [None, Some("https://evil.example".to_owned()), Some(format!("{}/", provider.issuer))] {
        let (begun, back) = there_and_back(&oidc, Person::Is("alice")).await;
        assert_eq!(back.iss.as_ref(), Some(&provider.issuer));
        let refused = oidc.finish(begun.ticket.expose(), Answer { iss: iss.clone(), ..back }).await;
        assert!(matches!(refused, Err(OidcError::Untrusted(_))), "{iss:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told() {
    let Some(provider) = Provider::start() else { return };
    let secret = secret();
    std::fs::write(secret.path(), "another").unwrap();
    let oidc = oidc(&provider.issuer, &Time::default(), confidential("slurmdash", &secret));
    let refused = sign_in(&oidc, "alice").await.unwrap_err();
    assert!(matches!(&refused, OidcError::Refused { error, .. } if error == "invalid_client"), "{refused}");
}

#[tokio::test]
async fn a_provider_that_was_away_at_the_start_is_used_when_it_is_back() {
    let Some(mut provider) = Provider::start() else { return };
    let (secret, time) = (secret(), Time::default());
    provider.down();
    let oidc = oidc(&provider.issuer, &time, confidential("slurmdash", &secret));
    let away = oidc.start(None).await.unwrap_err();
    assert_eq!(away.code(), "provider_away");
    assert!(away.to_string().contains("Connection refused"), "{away}");
    provider.up();
    assert!(matches!(oidc.start(None).await, Err(OidcError::Away(_))), "not asked again at once");
    time.pass(5);
    assert_eq!(sign_in(&oidc, "alice").await.unwrap().username, "alice");
    // It goes while somebody is signing in there.
    let (begun, back) = there_and_back(&oidc, Person::Is("alice")).await;
    provider.down();
    assert!(matches!(oidc.finish(begun.ticket.expose(), back).await, Err(OidcError::Away(_))));
}

#[tokio::test]
async fn new_keys_are_fetched_but_not_for_ever() {
    let Some(mut provider) = Provider::start() else { return };
    let (secret, time) = (secret(), Time::default());
    let oidc = oidc(&provider.issuer, &time, confidential("slurmdash", &secret));
    sign_in(&oidc, "alice").await.unwrap();
    provider.change_keys("second");
    sign_in(&oidc, "alice").await.unwrap();
    provider.change_keys("third");
    assert!(matches!(sign_in(&oidc, "alice").await, Err(OidcError::Untrusted(_))), "fetched a moment ago");
    time.pass(60);
    sign_in(&oidc, "alice").await.unwrap();
}

/// A certificate for a host, and the PEM file of who signed it.
fn certificate(host: &str) -> (serde_json::Value, NamedTempFile) {
    let signed = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), signed.cert.pem()).unwrap();
    (json!({"cert": signed.cert.pem(), "key": signed.signing_key.serialize_pem()}), file)
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_named_and_no_other() {
    let host = "127.77.1.1";
    let ((tls, ca), (_, other)) = (certificate(host), certificate(host));
    let Some(provider) = Provider::with(&json!({"host": host, "tls": tls})) else { return };
    let secret = secret();
    let with = |ca: Option<&NamedTempFile>| {
        oidc(&provider.issuer, &Time::default(), |settings| {
            confidential("slurmdash", &secret)(settings);
            settings.ca_file = ca.map(|ca| ca.path().into());
        })
    };
    let oidc = with(Some(&ca));
    let begun = oidc.start(None).await.unwrap();
    assert!(begun.url.starts_with(&format!("https://{host}:")), "{}", begun.url);
    let back = Browser::trusting(ca.path()).at_provider(&begun.url, Person::Is("alice")).await;
    assert_eq!(oidc.finish(begun.ticket.expose(), answer(&back)).await.unwrap().username, "alice");
    for ca in [None, Some(&other)] {
        let away = with(ca).start(None).await.unwrap_err();
        assert!(away.to_string().contains("certificate"), "{away}");
        assert_eq!(away.code(), "provider_away");
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let (tls, ca) = certificate("login.uni.example");
    let Some(provider) = Provider::with(&json!({"tls": tls})) else { return };
    let oidc = oidc(&provider.issuer, &Time::default(), |settings| settings.ca_file = Some(ca.path().into()));
    let away = oidc.start(None).await.unwrap_err().to_string();
    assert!(away.contains("certificate"), "{away}");
}
