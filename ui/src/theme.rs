//! Light, dark, or as the system says; the choice is kept in `localStorage` and applied before the first paint by
//! `static/early.js`, which reads the same key.
use std::cell::Cell;

use sycamore::prelude::*;

use crate::browser;

const STORAGE_KEY: &str = "slurmdash.theme";

thread_local! {
    static THEME: Cell<Option<Signal<Theme>>> = const { Cell::new(None) };
}

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The theme of this word; what is none follows the system.
    pub fn parse(text: &str) -> Theme {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The choice after this one.
    pub fn next(self) -> Theme {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// Reads the kept choice. Called once, in the root scope.
pub fn start() {
    let first = browser::stored(STORAGE_KEY).map_or(Theme::System, |text| Theme::parse(&text));
    THEME.set(Some(create_signal(first)));
}

/// The current choice; tracked.
pub fn theme() -> Theme {
    THEME.get().map_or(Theme::System, |signal| signal.get())
}

/// Changes the theme here and for the next visit.
pub fn set_theme(theme: Theme) {
    let word = match theme {
        Theme::System => None,
        Theme::Light => Some("light"),
        Theme::Dark => Some("dark"),
    };
    if let Some(word) = word {
        browser::store(STORAGE_KEY, word);
        browser::set_root_attribute("data-theme", word);
    } else {
        browser::forget(STORAGE_KEY);
        browser::remove_root_attribute("data-theme");
    }
    if let Some(signal) = THEME.get() {
        signal.set(theme);
    }
}
