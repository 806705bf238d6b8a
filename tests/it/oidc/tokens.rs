//! ID tokens and answers that must not be taken.
use jsonwebtoken::{Algorithm, EncodingKey};
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use serde_json::{Value, json};
use slurmdash::auth::oidc::{Identity, OidcError};

use super::hostile::{Hostile, Key, Says};
use super::{Time, oidc, sent};

/// `{"alg":"none","typ":"JWT"}`.
const NONE: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";

/// Makes a token of claims.
type Token<'a> = Box<dyn FnOnce(Value) -> String + 'a>;

/// That it was refused as something not to be trusted, in these words.
fn untrusted(result: Result<Identity, OidcError>, words: &str) {
    let refused = result.unwrap_err();
    assert!(matches!(refused, OidcError::Untrusted(_)), "{refused}");
    assert!(refused.to_string().contains(words), "{words:?} is not in: {refused}");
}

/// That it was refused as something that can't be used, in these words.
fn unusable(result: Result<Identity, OidcError>, words: &str) {
    let refused = result.unwrap_err();
    assert!(matches!(refused, OidcError::Answer(_)), "{refused}");
    assert!(refused.to_string().contains(words), "{words:?} is not in: {refused}");
}

#[tokio::test]
async fn what_is_right_is_taken() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    let ada = hostile.sign_in(&oidc, &time.clock(), |_| {}).await.unwrap();
    assert_eq!(
        (ada.issuer.as_str(), ada.subject.as_str(), ada.username.as_str()),
        (hostile.issuer.as_str(), "42", "ada")
    );
    for change in [
        json!({"aud": ["slurmdash"]}),
        json!({"azp": "slurmdash"}),
        json!({"exp": time.clock().now() - 50}),
        json!({"iat": time.clock().now() + 50}),
        // What providers in the field do, against the standard.
        json!({"email_verified": "true", "updated_at": "2024-01-01T00:00:00Z"}),
    ] {
        hostile.sign_in(&oidc, &time.clock(), |claims| merge(claims, &change)).await.unwrap();
    }
    assert!(hostile.asked("/userinfo").is_empty());
}

fn merge(claims: &mut Value, change: &Value) {
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
}

#[tokio::test]
async fn the_browser_is_sent_with_pkce_state_and_nonce() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |settings| settings.scopes.push("groups".into()));
    let (one, two) = (oidc.start(None).await.unwrap(), oidc.start(None).await.unwrap());
    assert!(one.url.starts_with(&format!("{}/authorize?", hostile.issuer)), "{}", one.url);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "slurmdash"),
        ("scope", "openid profile email groups"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", "http://hpc.uni.example/api/auth/oidc/callback"),
    ] {
        assert_eq!(sent(&one, name), value);
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert!(sent(&one, name).len() >= 43, "{name}");
        assert_ne!(sent(&one, name), sent(&two, name), "{name}");
    }
    let ticket = one.ticket.expose();
    assert!(ticket.len() >= 43 && !one.url.contains(ticket), "the ticket stays between browser and server");
    assert!(!format!("{one:?}").contains(ticket));
    // The verifier goes to the token endpoint only, and fits the challenge.
    let challenge = sent(&one, "code_challenge");
    hostile.says("/token", Hostile::tokens(&hostile.key.sign(&hostile.claims(&sent(&one, "nonce"), &time.clock()))));
    hostile.come_back(&oidc, one).await.unwrap();
    let form = String::from_utf8(hostile.asked("/token")[0].1.to_vec()).unwrap();
    let form = super::query(&format!("http://form/?{form}"));
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "code"));
    assert_eq!(form["redirect_uri"], "http://hpc.uni.example/api/auth/oidc/callback");
    let expected = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(form["code_verifier"].clone()));
    assert_eq!(expected.as_str(), challenge);
}

#[tokio::test]
async fn claims_for_others_or_of_another_time_are_refused() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    let now = time.clock().now();
    for (change, words) in [
        (json!({"iss": "https://evil.example"}), "Invalid issuer"),
        (json!({"iss": format!("{}/", hostile.issuer)}), "Invalid issuer"),
        (json!({"aud": "another"}), "Invalid audiences"),
        (json!({"aud": []}), "Invalid audiences"),
        (json!({"aud": ["another", "slurmdash"]}), "Invalid audiences"),
        (json!({"aud": ["slurmdash", "another"], "azp": "slurmdash"}), "Invalid audiences"),
        (json!({"azp": "another"}), "azp"),
        (json!({"nonce": "another"}), "Invalid nonce"),
        (json!({"nonce": ""}), "Invalid nonce"),
        (json!({"nonce": null}), "Invalid nonce"),
        (json!({"exp": now - 61}), "expired"),
        (json!({"exp": 0}), "expired"),
        (json!({"iat": now + 3600, "exp": now + 7200}), "from the future"),
        (json!({"iat": now - 3600}), "from before this sign-in"),
        (json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), "at_hash"),
    ] {
        let result = hostile.sign_in(&oidc, &time.clock(), |claims| merge(claims, &change)).await;
        untrusted(result, words);
    }
    for change in [
        json!({"exp": "soon"}),
        json!({"exp": 1e300}),
        json!({"iat": null}),
        json!({"sub": 42}),
        json!({"preferred_username": ["ada"]}),
    ] {
        let result = hostile.sign_in(&oidc, &time.clock(), |claims| merge(claims, &change)).await;
        unusable(result, "something else than tokens");
    }
    for sub in [String::new(), "s".repeat(256)] {
        let refused = hostile.sign_in(&oidc, &time.clock(), |claims| claims["sub"] = sub.into()).await.unwrap_err();
        assert!(matches!(refused, OidcError::Claim { .. }), "{refused}");
    }
}

#[tokio::test]
async fn signatures_of_others_are_refused() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "the client's own secret, 32 bytes").unwrap();
    let oidc = oidc(&hostile.issuer, &time, |settings| settings.client_secret_file = Some(secret.path().into()));
    let rsa = Key::fresh_rsa("rsa");
    hostile.says("/jwks", Says::Json(json!({"keys": [hostile.key.public(), rsa.public()]})));
    hostile.sign_in_with(&oidc, &time.clock(), |claims| rsa.sign(&claims)).await.unwrap();
    let hmac = |secret: &[u8], kid| Key { algorithm: Algorithm::HS256, private: EncodingKey::from_secret(secret), kid };
    let public = hostile.key.public().to_string();
    let modulus = rsa.public()["n"].as_str().unwrap().to_owned();
    let of = |key: Key| move |claims: Value| key.sign(&claims);
    let unsigned = |claims: Value| {
        let signed = hostile.key.sign(&claims);
        format!("{NONE}.{}.", signed.split('.').nth(1).unwrap())
    };
    let altered = |mut claims: Value| {
        let signed = hostile.key.sign(&claims);
        claims["preferred_username"] = "root".into();
        let forged = hostile.key.sign(&claims);
        let (head, signature) = (signed.split('.').next().unwrap(), signed.rsplit('.').next().unwrap());
        format!("{head}.{}.{signature}", forged.split('.').nth(1).unwrap())
    };
    let cut = |claims: Value| {
        let signed = hostile.key.sign(&claims);
        signed[..=signed.rfind('.').unwrap()].to_owned()
    };
    let attempts: [(&str, Token); 9] = [
        ("another key of the same name", Box::new(of(Key::fresh("ours")))),
        ("a key that is not in the set", Box::new(of(Key::fresh("theirs")))),
        ("an RSA key by the name of an EC key", Box::new(of(Key { kid: "ours", ..Key::fresh_rsa("") }))),
        ("a shared secret: the client's own", Box::new(of(hmac(b"the client's own secret, 32 bytes", "ours")))),
        ("a shared secret: the public key", Box::new(of(hmac(public.as_bytes(), "ours")))),
        ("a shared secret: the modulus", Box::new(of(hmac(modulus.as_bytes(), "rsa")))),
        ("none", Box::new(unsigned)),
        ("altered claims", Box::new(altered)),
        ("no signature", Box::new(cut)),
    ];
    for (what, token) in attempts {
        let refused = hostile.sign_in_with(&oidc, &time.clock(), token).await.unwrap_err();
        assert!(matches!(refused, OidcError::Untrusted(_)), "{what}: {refused}");
        assert!(refused.to_string().contains("signature"), "{what}: {refused}");
    }
    for no_token in ["", "a", "a.b.c", "....", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", &"a.".repeat(1000)] {
        unusable(hostile.sign_in_with(&oidc, &time.clock(), |_| no_token.to_owned()).await, "than tokens");
    }
}

#[tokio::test]
async fn key_sets_of_junk_let_nobody_in_and_break_nothing() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let good = hostile.key.public();
    let junk = json!([
        {}, {"kty": "oct", "k": "AAAA", "kid": "ours"}, {"kty": "EC", "crv": "P-256", "kid": "ours", "x": "AA", "y": "AA"},
        {"kty": "RSA", "n": "", "e": "", "kid": "ours"}, {"kty": "none"}, 7, null, "key", {"kty": ["EC"]},
        {"kty": "RSA", "n": "A".repeat(200_000), "e": "AQAB", "kid": "ours"},
    ]);
    for keys in [json!([]), junk.clone()] {
        hostile.says("/jwks", Says::Json(json!({"keys": keys})));
        let oidc = oidc(&hostile.issuer, &time, |_| {});
        untrusted(hostile.sign_in(&oidc, &time.clock(), |_| {}).await, "signature");
    }
    // Among it is one that is good.
    let mut keys = junk.as_array().unwrap().clone();
    keys.retain(|key| key["kid"] != "ours" || key["kty"] != "EC");
    keys.push(good);
    hostile.says("/jwks", Says::Json(json!({"keys": keys})));
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    hostile.sign_in(&oidc, &time.clock(), |_| {}).await.unwrap();
}

#[tokio::test]
async fn answers_of_the_token_endpoint_that_are_none() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    for (says, words) in [
        (Says::Endless, "larger than 1 MiB"),
        (Says::Raw(200, "application/json", format!("\"{}\"", "x".repeat(2 << 20))), "larger than 1 MiB"),
        (Says::Redirect("http://127.0.0.1:1/".into()), "redirect"),
        (Says::Raw(200, "application/json", String::new()), "empty"),
        (Says::Raw(200, "application/json", "[".repeat(500_000)), "something else"),
        (Says::Raw(200, "text/html", "<html>".into()), "Content-Type"),
        (Says::Raw(500, "text/html", "<html>\u{1b}[31m".into()), "something else"),
        (Says::Json(json!({"access_token": "a", "token_type": "Bearer"})), "no ID token"),
        (Says::Json(json!({"access_token": 7})), "something else than tokens"),
        (Says::Json(json!([])), "something else"),
    ] {
        hostile.says("/token", says);
        let begun = oidc.start(None).await.unwrap();
        unusable(hostile.come_back(&oidc, begun).await, words);
    }
    let words = "\u{202e}line one\r\nline two ".repeat(100);
    let error = json!({"error": "invalid_grant\n", "error_description": words});
    hostile.says("/token", Says::Raw(400, "application/json", error.to_string()));
    let begun = oidc.start(None).await.unwrap();
    let refused = hostile.come_back(&oidc, begun).await.unwrap_err().to_string();
    assert!(refused.starts_with("the login provider refused: invalid_grant? (?line one??line two "), "{refused}");
    assert!(refused.len() < 400 && refused.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{refused}");
}

#[tokio::test]
async fn userinfo_is_the_same_person_s_or_refused() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |settings| settings.allowed_groups = vec!["hpc".into()]);
    let clock = time.clock();
    let attempt = |says: Says| {
        hostile.says("/userinfo", says);
        hostile.sign_in(&oidc, &clock, |_| {})
    };
    let ada = attempt(Says::Json(json!({"sub": "42", "groups": ["hpc"], "preferred_username": "root"}))).await.unwrap();
    assert_eq!(
        (ada.username.as_str(), ada.groups.as_slice()),
        ("ada", ["hpc".to_owned()].as_slice()),
        "the ID token's stay"
    );
    assert_eq!(hostile.asked("/userinfo")[0].0["authorization"], "Bearer access");
    untrusted(attempt(Says::Json(json!({"sub": "1", "groups": ["hpc"]}))).await, "Invalid subject");
    unusable(attempt(Says::Json(json!({"groups": ["hpc"]}))).await, "userinfo");
    unusable(attempt(Says::Raw(403, "text/plain", "no".into())).await, "403");
    unusable(attempt(Says::Redirect("http://127.0.0.1:1/".into())).await, "redirect");
    unusable(attempt(Says::Endless).await, "larger than 1 MiB");
    assert!(matches!(
        attempt(Says::Json(json!({"sub": "42", "groups": ["guests"]}))).await,
        Err(OidcError::NotAllowed)
    ));
    // An access token that would be two headers.
    let begun = oidc.start(None).await.unwrap();
    let id_token = hostile.key.sign(&hostile.claims(&sent(&begun, "nonce"), &clock));
    let tokens = json!({"access_token": "a\r\nX-Evil: 1", "token_type": "Bearer", "id_token": id_token});
    hostile.says("/token", Says::Json(tokens));
    let asked = hostile.asked("/userinfo").len();
    unusable(hostile.come_back(&oidc, begun).await, "access token");
    assert_eq!(hostile.asked("/userinfo").len(), asked);
}

#[tokio::test]
async fn the_access_token_is_the_one_that_the_id_token_names() {
    let (hostile, time) = (Hostile::start().await, Time::default());
    let oidc = oidc(&hostile.issuer, &time, |_| {});
    hostile.sign_in(&oidc, &time.clock(), |claims| claims["at_hash"] = AT_HASH.into()).await.unwrap();
}

/// Left half of the SHA-256 of `access` (OpenID Connect Core 1.0, section 3.1.3.6).
const AT_HASH: &str = "oFYf1knNtrqnhAVfBRuteQ";
