//! The explanation box: what is so, why, and what to do about it, in words.
use sycamore::prelude::*;

use super::{Text, no_text};

use super::banner::Tone;
use super::icon::{Glyph, icon};

/// Props of [`ExplanationBox`].
#[derive(Props)]
pub struct ExplanationBoxProps {
    /// How serious it is.
    #[prop(default = Tone::Info)]
    tone: Tone,
    /// What is so, in a few words.
    #[prop(setter(into))]
    what: Text,
    /// Why.
    #[prop(setter(into))]
    why: Text,
    /// What to do; empty when there is nothing to do.
    #[prop(default = no_text(), setter(into))]
    todo: Text,
    /// Buttons that do it.
    #[prop(default)]
    children: Children,
}

/// An explanation box.
#[component]
pub fn ExplanationBox(props: ExplanationBoxProps) -> View {
    let ExplanationBoxProps { tone, what, why, todo, children } = props;
    view! {
        section(class="explanation", data-tone=tone.name()) {
            (icon(tone.glyph()))
            div(class="explanation-body") {
                p(class="explanation-what") { (what.get_clone()) }
                p(class="explanation-why") { (why.get_clone()) }
                (match todo.get_clone() {
                    todo if todo.is_empty() => view! {},
                    todo => view! {
                        p(class="explanation-todo") { (icon(Glyph::Lightbulb)) span { (todo) } }
                    },
                })
                (children)
            }
        }
    }
}
