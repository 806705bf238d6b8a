//! The dialog that shows a new API key, once, and how to use it.
use slurmdash_api::auth::Permission;
use sycamore::prelude::*;

use crate::browser;
use crate::components::{Banner, Button, ButtonKind, CodeView, Dialog, OnceShown, Tone};
use crate::i18n::t;

/// A key that was made.
#[derive(Clone)]
pub struct MadeKey {
    /// What its owner calls it.
    pub name: String,
    /// The key itself.
    pub key: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
}

/// A call that the key is good for.
fn example(permissions: &[Permission]) -> &'static str {
    match permissions {
        _ if permissions.contains(&Permission::JobView) => "/api/jobs",
        _ if permissions.contains(&Permission::NodeView) => "/api/nodes/status",
        _ if permissions.contains(&Permission::TemplateView) => "/api/v2/templates",
        _ => "/api/auth/me",
    }
}

/// With the key among curl's arguments.
fn quick(key: &str, url: &str) -> String {
    format!("curl -H 'X-API-Key: {key}' '{url}'")
}

/// With the key in a file that only its owner can read; the shell writes it, so that it is nobody's argument.
fn safe(key: &str, url: &str) -> String {
    format!(
        "(umask 077; cat > ~/.slurmdash-key) <<'END'\nX-API-Key: {key}\nEND\ncurl -H @\"$HOME/.slurmdash-key\" '{url}'"
    )
}

/// The dialog; open while there is a key. It does not close by accident.
#[component(inline_props)]
pub fn MadeKeyDialog(made: Signal<Option<MadeKey>>) -> View {
    view! {
        (match made.get_clone() {
            Some(key) => shown(key, made),
            None => view! {},
        })
    }
}

fn shown(MadeKey { name, key, permissions }: MadeKey, made: Signal<Option<MadeKey>>) -> View {
    let open = create_signal(true);
    let (taken, doubtful) = (create_signal(false), create_signal(false));
    let origin = browser::window().location().origin().unwrap_or_default();
    let url = format!("{origin}{}", example(&permissions));
    let (safe, quick) = (safe(&key, &url), quick(&key, &url));
    let close = move |_| {
        if taken.get_untracked() {
            made.set(None);
        } else {
            doubtful.set(true);
        }
    };
    let buttons = move || {
        if doubtful.get() {
            view! {
                Button(on:click=move |_| doubtful.set(false)) { (|| t().profile.go_back()) }
                Button(kind=ButtonKind::Danger, on:click=move |_| made.set(None)) { (|| t().profile.close_anyway()) }
            }
        } else {
            view! { Button(on:click=close) { (|| t().profile.key_done()) } }
        }
    };
    view! {
        Dialog(
            open=open,
            kept=true,
            title=move || format!("{}: {name}", t().profile.key_made_title()),
            actions=move || view! { (buttons()) }
        ) {
            Banner(tone=Tone::Warning, title=move || t().profile.key_made_once()) {
                (|| t().profile.key_made_text())
            }
            OnceShown(label=move || t().profile.key_label(), secret=key, name="api_key", taken=taken)
            section(class="key-use") {
                h3 { (|| t().profile.key_safe_title()) }
                p(class="card-note") { (|| t().profile.key_safe_text()) }
                CodeView(code=safe, label=move || t().profile.key_safe_title())
                h3 { (|| t().profile.key_quick()) }
                CodeView(code=quick, label=move || t().profile.key_quick())
            }
            (if doubtful.get() {
                view! { Banner(tone=Tone::Error, title=move || t().profile.key_not_copied()) }
            } else {
                view! {}
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_shared_machine_the_key_is_nobodys_argument() {
        let text = safe("sk_live_x", "https://h/api/jobs");
        let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("curl")).collect();
        assert_eq!(commands, ["curl -H @\"$HOME/.slurmdash-key\" 'https://h/api/jobs'"]);
        assert!(text.contains("umask 077") && text.contains("\nX-API-Key: sk_live_x\n"));
        assert_eq!(quick("sk_live_x", "https://h/a"), "curl -H 'X-API-Key: sk_live_x' 'https://h/a'");
    }

    #[test]
    fn the_example_is_one_that_the_key_may_call() {
        assert_eq!(example(&[Permission::NodeView, Permission::JobView]), "/api/jobs");
        assert_eq!(example(&[Permission::NodeView]), "/api/nodes/status");
        assert_eq!(example(&[Permission::DataWrite]), "/api/auth/me");
    }
}
