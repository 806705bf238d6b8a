//! What the list of accounts and the page of one both show.
use sycamore::prelude::*;

use crate::components::{Glyph, Mark, pill};
use crate::i18n::t;

/// Whether an account may sign in.
pub fn state_pill(is_active: bool) -> View {
    if is_active {
        pill(Mark::Done, Glyph::Check, || t().admin.active())
    } else {
        pill(Mark::Cancelled, Glyph::Ban, || t().admin.disabled())
    }
}

/// Roles; a dash for none.
pub fn role_tags(roles: &[String]) -> View {
    if roles.is_empty() {
        return view! { span(class="absent") { "–" } };
    }
    let tags: Vec<View> = roles.iter().cloned().map(|role| view! { span(class="tag") { (role) } }).collect();
    view! { span(class="tags") { (tags) } }
}
