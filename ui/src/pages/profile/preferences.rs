//! Language and theme of this browser.
use sycamore::prelude::*;

use crate::components::{Choice, RadioGroup};
use crate::i18n::{Language, language, set_language, t};
use crate::theme::{Theme, set_theme, theme};

fn languages() -> Vec<Choice> {
    Language::ALL.map(|language| Choice::new(language.tag(), language.name())).into()
}

fn themes() -> Vec<Choice> {
    let words = t().profile;
    vec![
        Choice::new("system", words.theme_system()),
        Choice::new("light", words.theme_light()),
        Choice::new("dark", words.theme_dark()),
    ]
}

fn theme_value(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}

/// A signal that follows `now` (the top bar changes the same things) and hands on what is chosen here.
fn bound(now: impl Fn() -> &'static str + 'static, choose: impl Fn(&str) + 'static) -> Signal<String> {
    let value = create_signal(untrack(&now).to_owned());
    let now = create_selector(now);
    create_effect(move || {
        let now = now.get();
        if value.with_untracked(|value| value != now) {
            value.set(now.to_owned());
        }
    });
    create_effect(move || {
        let value = value.get_clone();
        if now.get_untracked() != value {
            choose(&value);
        }
    });
    value
}

/// The section.
#[component]
pub fn PreferencesTab() -> View {
    let chosen_language = bound(|| language().tag(), |tag| set_language(Language::choose([tag])));
    let chosen_theme = bound(|| theme_value(theme()), |word| set_theme(Theme::parse(word)));
    view! {
        header(class="section-head") { h2 { (|| t().profile.preferences()) } }
        div(class="form") {
            RadioGroup(
                name="language",
                label=move || t().profile.language(),
                value=chosen_language,
                choices=languages,
                help=move || t().profile.language_help()
            )
            RadioGroup(
                name="theme",
                label=move || t().profile.theme(),
                value=chosen_theme,
                choices=themes,
                help=move || t().profile.theme_help()
            )
        }
    }
}
