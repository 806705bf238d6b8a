//! Which language the page is in: taken from the browser, changed by the person, kept in `localStorage`.
use std::cell::Cell;

use sycamore::prelude::*;

use super::words::Messages;
use crate::browser;

const STORAGE_KEY: &str = "slurmdash.language";

thread_local! {
    static LANGUAGE: Cell<Option<Signal<Language>>> = const { Cell::new(None) };
}

/// A language that the whole interface speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// 한국어.
    Korean,
}

impl Language {
    /// Every language, in the order the switch shows them.
    pub const ALL: [Language; 2] = [Self::English, Self::Korean];

    /// BCP 47 tag, as `<html lang>` and `Intl` want it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The language's own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Korean => "한국어",
        }
    }

    /// The first language of a list of tags (most wanted first) that we speak; English when there is none.
    pub fn choose<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Language {
        wanted
            .into_iter()
            .find_map(|tag| {
                let primary = tag.split(['-', '_']).next().unwrap_or_default();
                Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
            })
            .unwrap_or(Self::English)
    }
}

/// Finds the language and keeps `<html lang>` and `localStorage` in step with it. Called once, in the root scope.
pub fn start() {
    let stored = browser::stored(STORAGE_KEY);
    let wanted = browser::languages();
    let first = Language::choose(stored.as_deref().into_iter().chain(wanted.iter().map(String::as_str)));
    let signal = create_signal(first);
    LANGUAGE.set(Some(signal));
    create_effect(move || browser::set_root_attribute("lang", signal.get().tag()));
}

/// The current language; tracked.
pub fn language() -> Language {
    LANGUAGE.get().map_or(Language::English, |signal| signal.get())
}

/// Changes the language here and for the next visit.
pub fn set_language(language: Language) {
    browser::store(STORAGE_KEY, language.tag());
    if let Some(signal) = LANGUAGE.get() {
        signal.set(language);
    }
}

/// The messages in the current language; tracked, so a view that reads them follows the switch.
pub fn t() -> Messages {
    Messages::new(language())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wanted_language_that_we_speak_is_chosen() {
        assert_eq!(Language::choose(["ko-KR", "en"]), Language::Korean);
        assert_eq!(Language::choose(["fr", "KO"]), Language::Korean);
        assert_eq!(Language::choose(["en-GB", "ko"]), Language::English);
        assert_eq!(Language::choose(["fr", "de"]), Language::English);
        assert_eq!(Language::choose([]), Language::English);
    }
}
