//! A banner over a page or a section: something is not as usual, and what that means.
use sycamore::prelude::*;

use super::Text;

use super::icon::{Glyph, icon};

/// What kind of news a banner brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Info,
    /// Something is not as usual.
    Warning,
    /// Something went wrong.
    Error,
    /// Something went well.
    Success,
}

impl Tone {
    /// The word that the style sheets know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Success => "success",
        }
    }

    /// Its shape.
    pub fn glyph(self) -> Glyph {
        match self {
            Self::Info => Glyph::Info,
            Self::Warning => Glyph::TriangleAlert,
            Self::Error => Glyph::CircleX,
            Self::Success => Glyph::CircleCheck,
        }
    }
}

/// Props of [`Banner`].
#[derive(Props)]
pub struct BannerProps {
    /// What kind of news.
    tone: Tone,
    /// The news in a few words.
    #[prop(setter(into))]
    title: Text,
    /// What it means, and what to do.
    #[prop(default, setter(into))]
    children: Children,
}

/// A banner. Errors are said at once by screen readers, the others when there is a pause.
#[component]
pub fn Banner(props: BannerProps) -> View {
    let BannerProps { tone, title, children } = props;
    let role = if tone == Tone::Error { "alert" } else { "status" };
    view! {
        div(class="banner", data-tone=tone.name(), role=role) {
            (icon(tone.glyph()))
            div(class="banner-body") {
                p(class="banner-title") { (title.get_clone()) }
                div(class="banner-text") { (children) }
            }
        }
    }
}
