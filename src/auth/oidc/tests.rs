//! What needs no provider: claims, addresses, files.
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::claims::{Claims, are_enough, person};
use super::*;

fn settings() -> config::Oidc {
    config::Oidc {
        issuer: "https://login.uni.example".into(),
        client_id: "slurmdash".into(),
        ..config::Oidc::default()
    }
}

fn claims(claims: Value) -> Claims {
    serde_json::from_value(claims).unwrap()
}

fn refused(settings: &config::Oidc, given: Value) -> String {
    person(settings, &claims(given)).unwrap_err().to_string()
}

#[test]
fn the_username_names_account_and_unix_user() {
    let ada = claims(json!({"preferred_username": "ada", "email": "ada@uni.example", "groups": ["hpc"]}));
    let found = person(&settings(), &ada).unwrap();
    let expected = Person {
        username: "ada".into(),
        unix_user: Some("ada".into()),
        groups: vec!["hpc".into()],
        roles: vec!["user".into()],
        email: Some("ada@uni.example".into()),
    };
    assert_eq!(found, expected);
    let bare = person(&settings(), &claims(json!({"preferred_username": "ada"}))).unwrap();
    assert_eq!((bare.groups, bare.email), (vec![], None));
}

#[test]
fn a_claim_that_can_be_no_name_or_login_is_refused_in_words() {
    let long = "a".repeat(10_000);
    for name in ["", "../root", "a b", "-s", "ada\n", "ada\0", "a/b", "ada:x", &long] {
        let words = refused(&settings(), json!({"preferred_username": name}));
        assert!(words.starts_with("the login provider's claim preferred_username can't be"), "{name:?}: {words}");
        assert!(words.len() < 500);
    }
    assert!(refused(&settings(), json!({})).contains("preferred_username is missing"));
    assert!(refused(&settings(), json!({"preferred_username": 7})).contains("is no text"));
    assert!(refused(&settings(), json!({"preferred_username": ["ada"]})).contains("is no text"));
    // An account may be called so, a Unix user not.
    for name in ["ada@uni.example", "größe", "аda"] {
        assert!(refused(&settings(), json!({"preferred_username": name})).contains("can't be a Unix user's login"));
    }
}

#[test]
fn only_our_domains_are_taken_off() {
    let domains = vec!["uni.example".into(), "cs.uni.example".into()];
    let settings = config::Oidc { unix_user_domains: domains, ..settings() };
    let login =
        |name: &str| person(&settings, &claims(json!({"preferred_username": name}))).map(|found| found.unix_user);
    for name in ["ada", "ada@uni.example", "ada@CS.Uni.Example"] {
        assert_eq!(login(name).unwrap().as_deref(), Some("ada"), "{name}");
    }
    for name in ["ada@evil.example", "ada@uni.example@evil.example", "ada@evil.uni.example", "ada@"] {
        assert!(matches!(login(name), Err(OidcError::Claim { .. })), "{name}");
    }
    assert!(login("ada@evil.example@uni.example").is_err(), "the rest is no login");
}

#[test]
fn the_unix_user_may_have_a_claim_of_its_own_or_none() {
    let settings = config::Oidc { unix_user_claim: Some("posix.uid".into()), ..settings() };
    let found = |given: Value| person(&settings, &claims(given)).map(|found| found.unix_user);
    assert_eq!(found(json!({"preferred_username": "a@b", "posix": {"uid": "ada"}})).unwrap().as_deref(), Some("ada"));
    assert_eq!(found(json!({"preferred_username": "a@b"})).unwrap(), None);
    assert!(found(json!({"preferred_username": "a@b", "posix": {"uid": "ro ot"}})).is_err());
}

#[test]
fn an_address_that_nobody_checked_names_nobody() {
    let settings =
        config::Oidc { username_claim: "email".into(), unix_user_domains: vec!["uni.example".into()], ..settings() };
    for checked in [json!(false), Value::Null, json!("yes")] {
        let words = refused(&settings, json!({"email": "ada@uni.example", "email_verified": checked}));
        assert!(words.contains("is not verified"), "{words}");
    }
    let ada = person(&settings, &claims(json!({"email": "ada@uni.example", "email_verified": true}))).unwrap();
    assert_eq!((ada.username.as_str(), ada.unix_user.as_deref()), ("ada@uni.example", Some("ada")));
    let given = json!({"preferred_username": "eve", "email": "root@uni.example", "email_verified": false});
    assert_eq!(person(&self::settings(), &claims(given)).unwrap().email, None);
}

#[test]
fn groups_give_roles_and_let_in() {
    let role = |group: &str, role: &str| (group.to_owned(), role.to_owned());
    let settings = config::Oidc {
        groups_claim: "realm_access.roles".into(),
        allowed_groups: vec!["/hpc".into(), "staff".into()],
        roles: [role("/hpc-admins", "admin"), role("staff", "operator"), role("/ops", "operator")].into(),
        ..settings()
    };
    let roles = |groups: Value| {
        let given = json!({"preferred_username": "ada", "realm_access": {"roles": groups}});
        person(&settings, &claims(given)).map(|found| found.roles)
    };
    assert_eq!(roles(json!(["/hpc"])).unwrap(), ["user"]);
    assert_eq!(roles(json!("/hpc")).unwrap(), ["user"]);
    assert_eq!(roles(json!(["staff", "/ops", "/hpc-admins", "other"])).unwrap(), ["admin", "operator"]);
    for nobody in [json!([]), json!(["hpc", "/hpc ", "/HPC"]), json!(["/hpc-admins"]), Value::Null] {
        assert!(matches!(roles(nobody.clone()), Err(OidcError::NotAllowed)), "{nobody}");
    }
    for wrong in
        [json!([1]), json!({"/hpc": true}), json!([["/hpc"]]), json!(vec!["g"; 3_000]), json!(["g".repeat(300)])]
    {
        assert!(matches!(roles(wrong), Err(OidcError::Claim { .. })));
    }
}

#[test]
fn a_claim_whose_name_has_dots_is_found() {
    let settings = config::Oidc { groups_claim: "https://uni.example/groups".into(), ..settings() };
    let given = json!({"preferred_username": "ada", "https://uni.example/groups": ["hpc"]});
    assert_eq!(person(&settings, &claims(given)).unwrap().groups, ["hpc"]);
}

#[test]
fn userinfo_is_asked_only_for_what_is_needed() {
    let name = claims(json!({"preferred_username": "ada"}));
    assert!(are_enough(&settings(), &name));
    assert!(!are_enough(&settings(), &claims(json!({"sub": "1"}))));
    let with_roles = config::Oidc { roles: [("hpc".to_owned(), "user".to_owned())].into(), ..settings() };
    assert!(!are_enough(&with_roles, &name));
    let with_login = config::Oidc { unix_user_claim: Some("uid".into()), ..settings() };
    assert!(!are_enough(&with_login, &name));
    assert!(are_enough(&with_login, &claims(json!({"preferred_username": "ada", "uid": "ada"}))));
}

#[test]
fn the_way_back_stays_on_this_site() {
    for path in ["/", "/jobs", "/jobs/7?tab=output#end", "/a//b"] {
        assert!(is_path_here(path), "{path}");
    }
    let long = format!("/{}", "a".repeat(MAX_NEXT));
    for elsewhere in [
        "",
        "jobs",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\r\nSet-Cookie: x",
        "javascript:alert(1)",
        " /jobs",
        "/größe",
        &long,
    ] {
        assert!(!is_path_here(elsewhere), "{elsewhere:?}");
    }
}

#[test]
fn an_issuer_is_https_or_on_the_loopback() {
    for issuer in [
        "https://login.uni.example",
        "https://uni.example:8443/realms/hpc",
        "http://127.0.0.1:5",
        "http://[::1]:5",
        "http://localhost:5/a",
    ] {
        assert_eq!(judge_issuer(issuer), Ok(()), "{issuer}");
    }
    for issuer in [
        "",
        "login.uni.example",
        "http://login.uni.example",
        "http://localhost.evil.example",
        "file:///etc/passwd",
        "https://me:secret@uni.example",
        "https://uni.example/?a=b",
        "https://uni.example/#a",
        "http://127.0.0.1.evil.example",
    ] {
        assert!(judge_issuer(issuer).is_err(), "{issuer}");
    }
}

#[test]
fn the_secret_is_one_line_that_only_we_can_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    let put = |text: &[u8], mode| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let settings =
            config::Oidc { client_secret_file: Some(path.clone()), issuer: "http://127.0.0.1:1".into(), ..settings() };
        Oidc::new(settings, "https://hpc.uni.example", Clock::from_fn(|| 0)).map(|oidc| oidc.client_secret.unwrap())
    };
    assert_eq!(put(b"very secret\n", 0o600).unwrap().secret(), "very secret");
    assert_eq!(put(b"very secret", 0o400).unwrap().secret(), "very secret");
    for mode in [0o640, 0o604, 0o660, 0o644] {
        let refused = put(b"very secret", mode).unwrap_err();
        assert!(matches!(refused, SetUpError::Exposed { mode: found, .. } if found == mode), "{refused}");
    }
    for text in [b"".as_slice(), b"\n", b"one\ntwo\n", b"a\0b", &[b'x'; 5000]] {
        let refused = put(text, 0o600).unwrap_err().to_string();
        assert!(refused.contains("must hold the secret alone"), "{refused}");
        assert!(!refused.contains("one\n"));
    }
    std::fs::remove_file(&path).unwrap();
    let settings = config::Oidc { client_secret_file: Some(path), issuer: "http://127.0.0.1:1".into(), ..settings() };
    let missing = Oidc::new(settings, "https://hpc.uni.example", Clock::from_fn(|| 0)).err().unwrap();
    assert!(missing.to_string().contains("auth.oidc.client_secret_file: can't read"), "{missing}");
}

#[test]
fn authorities_are_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    for text in ["", "no certificate\n", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&path, text).unwrap();
        let settings = config::Oidc { ca_file: Some(path.clone()), ..settings() };
        let refused = Oidc::new(settings, "https://hpc.uni.example", Clock::from_fn(|| 0)).err().unwrap();
        assert!(refused.to_string().starts_with("auth.oidc.ca_file: there is no certificate in"), "{refused}");
    }
}
