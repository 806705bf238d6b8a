//! What stands where a list has nothing to show: why, and what to do next.
use sycamore::prelude::*;

use super::Text;

use super::icon::{Glyph, icon};

/// Props of [`EmptyState`].
#[derive(Props)]
pub struct EmptyStateProps {
    /// A picture of what is missing.
    #[prop(default = Glyph::Inbox)]
    glyph: Glyph,
    /// What is so.
    #[prop(setter(into))]
    title: Text,
    /// Why, or what would be here.
    #[prop(setter(into))]
    text: Text,
    /// What to do next: buttons.
    #[prop(default)]
    children: Children,
}

/// An empty state.
#[component]
pub fn EmptyState(props: EmptyStateProps) -> View {
    let EmptyStateProps { glyph, title, text, children } = props;
    view! {
        div(class="empty") {
            span(class="empty-picture") { (icon(glyph)) }
            p(class="empty-title") { (title.get_clone()) }
            p(class="empty-text") { (text.get_clone()) }
            div(class="empty-actions") { (children) }
        }
    }
}
