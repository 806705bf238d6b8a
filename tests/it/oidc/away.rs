//! A provider that is away, slow, or says of itself what can't be used.
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use slurmdash::auth::oidc::OidcError;

use super::hostile::{Hostile, Key, Says};
use super::{Time, oidc};

const METADATA: &str = "/.well-known/openid-configuration";

#[tokio::test]
async fn what_it_says_of_itself_must_be_usable() {
    let hostile = Hostile::start().await;
    let with = |name: &str, value: Value| {
        let mut metadata = hostile.metadata();
        metadata[name] = value;
        Says::Json(metadata)
    };
    let without = |name: &str| {
        let mut metadata = hostile.metadata();
        metadata.as_object_mut().unwrap().remove(name);
        Says::Json(metadata)
    };
    for (says, words) in [
        (with("issuer", "https://evil.example".into()), "unexpected issuer"),
        (with("issuer", format!("https://evil.example/{}", "x".repeat(500_000)).into()), "unexpected issuer"),
        (with("issuer", format!("{}/", hostile.issuer).into()), "unexpected issuer"),
        (with("authorization_endpoint", "javascript:alert(1)".into()), "not https"),
        (with("authorization_endpoint", "http://evil.example/".into()), "not https"),
        (with("token_endpoint", "http://169.254.169.254/latest".into()), "not https"),
        (with("token_endpoint", "file:///etc/passwd".into()), "not https"),
        (with("userinfo_endpoint", "ftp://uni.example/".into()), "not https"),
        (with("jwks_uri", "http://169.254.169.254/latest".into()), "not https"),
        (with("jwks_uri", "no address".into()), "jwks_uri"),
        (without("token_endpoint"), "no token endpoint"),
        (without("jwks_uri"), "something else"),
        (Says::Redirect("http://127.0.0.1:1/".into()), "redirect"),
        (Says::Endless, "larger than 1 MiB"),
        (Says::Raw(404, "text/plain", "\u{1b}[31mno".into()), "404"),
        (Says::Raw(200, "text/html", "<html>".into()), "Content-Type"),
        (Says::Raw(200, "application/json", "{".repeat(500_000)), "something else"),
    ] {
        hostile.says(METADATA, says);
        let away = oidc(&hostile.issuer, &Time::default(), |_| {}).start(None).await.unwrap_err();
        assert!(matches!(away, OidcError::Away(_)), "{away}");
        let shown = away.to_string();
        assert!(shown.contains(words), "{words:?} is not in: {shown}");
        assert!(shown.len() < 400 && shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{shown}");
    }
    hostile.says(METADATA, Says::Json(hostile.metadata()));
    for says in [Says::Redirect("/other".into()), Says::Endless, Says::Json(json!({"keys": 7})), Says::Json(json!([]))]
    {
        hostile.says("/jwks", says);
        let away = oidc(&hostile.issuer, &Time::default(), |_| {}).start(None).await.unwrap_err();
        assert!(matches!(away, OidcError::Away(_)), "{away}");
    }
    assert!(hostile.asked("/other").is_empty());
}

#[tokio::test]
async fn it_is_asked_once_for_many_and_not_again_at_once() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    hostile.says(METADATA, Says::Raw(503, "text/plain", String::new()));
    let failed = join_all((0..50).map(|_| oidc.start(None))).await;
    assert!(failed.iter().all(|result| matches!(result, Err(OidcError::Away(_)))));
    assert_eq!(hostile.asked(METADATA).len(), 1);
    hostile.says(METADATA, Says::Json(hostile.metadata()));
    time.pass(5);
    for begun in join_all((0..50).map(|_| oidc.start(None))).await {
        begun.unwrap();
    }
    assert_eq!((hostile.asked(METADATA).len(), hostile.asked("/jwks").len()), (2, 1));
    // Old, and away: what is known will do, and it is asked now and then.
    hostile.says(METADATA, Says::Raw(503, "text/plain", String::new()));
    time.pass(3600);
    for begun in join_all((0..50).map(|_| oidc.start(None))).await {
        begun.unwrap();
    }
    assert_eq!(hostile.asked(METADATA).len(), 3);
    // Back, with something else to say.
    let mut metadata = hostile.metadata();
    metadata["authorization_endpoint"] = format!("{}/elsewhere", hostile.issuer).into();
    hostile.says(METADATA, Says::Json(metadata));
    time.pass(5);
    assert!(oidc.start(None).await.unwrap().url.contains("/elsewhere?"));
    hostile.sign_in(&oidc, &time.clock(), |_| {}).await.unwrap();
}

#[tokio::test]
async fn keys_are_fetched_again_once_a_minute_at_most() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    let new = Key::fresh("new");
    let sign_in = async || {
        let done = hostile.sign_in_with(&oidc, &time.clock(), |claims| new.sign(&claims)).await;
        (done.is_ok(), hostile.asked("/jwks").len())
    };
    assert_eq!(sign_in().await, (false, 2), "fetched again in vain");
    hostile.says("/jwks", Says::Json(json!({"keys": [new.public()]})));
    for _ in 0..5 {
        assert_eq!(sign_in().await, (false, 2));
    }
    time.pass(60);
    assert_eq!(sign_in().await, (true, 3));
    assert_eq!(sign_in().await, (true, 3));
    // Without the old key nobody signs in by it any more.
    assert!(hostile.sign_in(&oidc, &time.clock(), |_| {}).await.is_err());
}

#[tokio::test]
async fn a_provider_that_gives_no_answer_is_waited_for_ten_seconds() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let known = oidc(&hostile.issuer, &time, |_| {});
    let begun = known.start(None).await.unwrap();
    hostile.says(METADATA, Says::Nothing);
    hostile.says("/token", Says::Nothing);
    let unknown = oidc(&hostile.issuer, &time, |_| {});
    let start = Instant::now();
    // All at once, and none waits in turn for the one before.
    let (finished, started) =
        tokio::join!(hostile.come_back(&known, begun), join_all((0..20).map(|_| unknown.start(None))));
    assert!(matches!(finished, Err(OidcError::Away(words)) if words.contains("no answer in 10 s")));
    for away in started {
        assert!(matches!(away, Err(OidcError::Away(words)) if words.contains("no answer in 10 s")));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(hostile.asked(METADATA).len(), 2, "one for each Oidc");
}

#[tokio::test]
async fn who_leaves_while_it_is_asked_holds_up_nobody() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    hostile.says(METADATA, Says::Nothing);
    let left = tokio::time::timeout(Duration::from_millis(300), oidc.start(None)).await;
    assert!(left.is_err());
    hostile.says(METADATA, Says::Json(hostile.metadata()));
    oidc.start(None).await.unwrap();
}
