//! From what the provider says about a person to who they are here.
use serde_json::{Map, Value};

use super::error::{OidcError, plain};
use crate::config;
use crate::{unix, users};

/// Most groups that are looked at, and longest name of one, bytes.
const MAX_GROUPS: usize = 2_000;
const MAX_GROUP: usize = 256;
/// Longest e-mail address, bytes (RFC 5321, section 4.5.3.1.3).
const MAX_EMAIL: usize = 254;

/// What is known about a person.
pub type Claims = Map<String, Value>;

/// Who somebody is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account's name.
    pub username: String,
    /// The Unix user, unless the provider names none.
    pub unix_user: Option<String>,
    /// As the provider calls them.
    pub groups: Vec<String>,
    /// By their groups, or the default one.
    pub roles: Vec<String>,
    /// Unless the provider says that nobody has checked it.
    pub email: Option<String>,
}

/// Whether there is all that is needed, so that the userinfo endpoint need not be asked.
pub fn are_enough(settings: &config::Oidc, claims: &Claims) -> bool {
    let has = |name: &String| find(claims, name).is_some();
    let groups_matter = !settings.roles.is_empty() || !settings.allowed_groups.is_empty();
    has(&settings.username_claim)
        && settings.unix_user_claim.as_ref().is_none_or(has)
        && (!groups_matter || has(&settings.groups_claim))
}

/// Who the person with these claims is.
pub fn person(settings: &config::Oidc, claims: &Claims) -> Result<Person, OidcError> {
    let groups = groups(claims, &settings.groups_claim)?;
    let is_in = |group: &String| groups.contains(group);
    if !settings.allowed_groups.is_empty() && !settings.allowed_groups.iter().any(is_in) {
        return Err(OidcError::NotAllowed);
    }
    let mut roles: Vec<String> =
        settings.roles.iter().filter(|(group, _)| is_in(group)).map(|(_, r)| r.clone()).collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        roles.push(settings.default_role.clone());
    }
    let username = text(claims, &settings.username_claim)?
        .ok_or_else(|| OidcError::claim(&settings.username_claim, "is missing"))?;
    if !users::is_name(username) {
        return Err(OidcError::claim(
            &settings.username_claim,
            format!("can't be an account's name: {}", plain(username)),
        ));
    }
    let (username, unix_user) = (username.to_owned(), unix_user(settings, claims)?);
    Ok(Person { username, unix_user, groups, roles, email: email(claims) })
}

fn email(claims: &Claims) -> Option<String> {
    let email = claims.get("email")?.as_str()?;
    let plausible = email.len() <= MAX_EMAIL && email.contains('@') && !email.contains(char::is_control);
    (plausible && claims.get("email_verified") != Some(&false.into())).then(|| email.to_owned())
}

/// The Unix user's login.
fn unix_user(settings: &config::Oidc, claims: &Claims) -> Result<Option<String>, OidcError> {
    let name = settings.unix_user_claim.as_ref().unwrap_or(&settings.username_claim);
    let Some(value) = text(claims, name)? else { return Ok(None) };
    let login = match value.rsplit_once('@') {
        Some((login, domain)) if !settings.unix_user_domains.is_empty() => {
            // Somebody of the same name elsewhere is somebody else.
            if !settings.unix_user_domains.iter().any(|ours| ours.eq_ignore_ascii_case(domain)) {
                let words = format!("is of the domain {}, which is not in unix_user_domains", plain(domain));
                return Err(OidcError::claim(name, words));
            }
            login
        }
        _ => value,
    };
    if unix::is_login(login) {
        Ok(Some(login.to_owned()))
    } else {
        Err(OidcError::claim(name, format!("can't be a Unix user's login: {}", plain(value))))
    }
}

/// A claim that is text. An e-mail address that nobody has checked is whatever its owner typed, and names nobody.
fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, OidcError> {
    let text = match find(claims, name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(OidcError::claim(name, "is no text")),
    };
    if name == "email" && claims.get("email_verified") != Some(&true.into()) {
        return Err(OidcError::claim(name, "is not verified (email_verified)"));
    }
    Ok(Some(text))
}

/// The groups: a list of texts, or one. None when the claim is missing.
fn groups(claims: &Claims, name: &str) -> Result<Vec<String>, OidcError> {
    let wrong = || OidcError::claim(name, "is no list of groups");
    let listed = match find(claims, name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(listed)) => listed.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if listed.len() > MAX_GROUPS {
        return Err(OidcError::claim(name, format!("lists more than {MAX_GROUPS} groups")));
    }
    let group = |value: &Value| match value {
        Value::String(group) if group.len() <= MAX_GROUP => Ok(group.clone()),
        _ => Err(wrong()),
    };
    listed.iter().map(group).collect()
}

/// A claim by its name. Names may have dots in them, as those that are addresses do; where none is called so, `a.b`
/// is `b` in `a`.
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let mut way = name.split('.');
        let first = claims.get(way.next()?)?;
        way.try_fold(first, |inside, name| inside.get(name))
    })
}
