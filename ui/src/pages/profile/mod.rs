//! `/profile`: who one is and may, one's sessions, API keys, password, language and theme.
mod keys;
mod made_key;
mod new_key;
mod password;
mod preferences;
mod sessions;

use slurmdash_api::auth::User;
use sycamore::prelude::*;

use self::keys::Keys;
use self::password::Password;
use self::preferences::PreferencesTab;
use self::sessions::Sessions;
use super::access::{may_list, source_words};
use crate::client::use_client;
use crate::components::{PageHeader, Skeleton, Tab, Tabs};
use crate::i18n::t;
use crate::router::query_value;

/// What a tab shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Sessions,
    Keys,
    Password,
    Preferences,
}

impl Section {
    fn parse(value: &str) -> Self {
        match value {
            "keys" => Self::Keys,
            "password" => Self::Password,
            "preferences" => Self::Preferences,
            _ => Self::Sessions,
        }
    }
}

/// The page.
#[component]
pub fn Profile() -> View {
    let session = use_client().session;
    let user = create_selector(move || session.user());
    let tab = query_value("tab");
    // Nothing is offered before it is known to whom.
    let shown = create_selector(move || {
        let (section, known) = (Section::parse(&tab.get_clone()), user.with(Option::is_some));
        known.then_some(section)
    });
    let context = move || {
        user.with(|user| {
            user.as_ref().map_or_else(String::new, |u| t().profile.context(&u.username, &source_words(u.source)))
        })
    };
    view! {
        PageHeader(title=move || t().profile.title(), context=context)
        Tabs(
            label=move || t().profile.sections(),
            name="tab",
            tabs=vec![
                Tab { value: "", label: || t().profile.sessions() },
                Tab { value: "keys", label: || t().profile.keys() },
                Tab { value: "password", label: || t().profile.password() },
                Tab { value: "preferences", label: || t().profile.preferences() },
            ]
        )
        div(class="profile") {
            (user.get_clone().map_or_else(View::new, account_card))
            div(class="profile-section") {
                (match shown.get() {
                    None => view! { Skeleton(lines=4) },
                    Some(Section::Sessions) => view! { Sessions {} },
                    Some(Section::Keys) => view! { Keys {} },
                    Some(Section::Password) => view! { Password {} },
                    Some(Section::Preferences) => view! { PreferencesTab {} },
                })
            }
        }
    }
}

/// Who one is, and may.
fn account_card(user: User) -> View {
    let User { username, permissions, roles, source, unix_user, .. } = user;
    let role_tags = move || -> View {
        if roles.is_empty() {
            return t().profile.no_roles().into();
        }
        let tags: Vec<View> = roles.iter().cloned().map(|role| view! { span(class="tag") { (role) } }).collect();
        view! { span(class="tags") { (tags) } }
    };
    let unix = move || unix_user.clone().unwrap_or_else(|| t().profile.unix_user_server());
    view! {
        aside(class="card profile-card") {
            h2(class="card-title") { (|| t().profile.account()) }
            dl(class="facts") {
                dt { (|| t().profile.name()) }
                dd { (username) }
                dt { (|| t().profile.source()) }
                dd { (move || source_words(source)) }
                dt { (|| t().profile.unix_user()) }
                dd { (unix()) }
                dt { (|| t().profile.roles()) }
                dd { (role_tags()) }
            }
            h3 { (|| t().profile.may()) }
            (may_list(&permissions))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_tab_shows_the_first_one() {
        assert_eq!(Section::parse("keys"), Section::Keys);
        assert_eq!(Section::parse("sessions"), Section::Sessions);
        assert_eq!(Section::parse("odd"), Section::Sessions);
    }
}
