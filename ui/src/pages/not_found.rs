//! An address of ours that leads nowhere.
use sycamore::prelude::*;

use crate::components::{ButtonKind, EmptyState, Glyph, LinkButton, PageHeader};
use crate::i18n::t;
use crate::router;

/// The page.
#[component]
pub fn NotFound() -> View {
    let path = router::location().path;
    view! {
        PageHeader(title=move || t().shell.not_found_title())
        EmptyState(
            glyph=Glyph::CircleQuestionMark,
            title=move || t().shell.not_found_title(),
            text=move || t().shell.not_found_text(&path)
        ) {
            LinkButton(href="/dashboard", kind=ButtonKind::Primary) { (|| t().shell.to_dashboard()) }
        }
    }
}
