//! How far the uploads under way are, wherever in the program one is; leads to the files.
use sycamore::prelude::*;

use super::icon::{Glyph, icon};
use crate::i18n::{format, t};
use crate::upload::use_uploads;

/// The indicator in the top bar; nothing while nothing is under way.
#[component]
pub fn UploadIndicator() -> View {
    let uploads = use_uploads();
    let words = create_selector(move || {
        let sum = uploads.overall();
        let share = format!("{}%", format::percent_of(sum.done, sum.size));
        (sum.active > 0).then(|| t().uploads.running(&format::count(sum.active), &share))
    });
    view! {
        (match words.get_clone() {
            Some(words) => {
                let label = words.clone();
                view! {
                    a(
                        class="upload-indicator",
                        href="/jobs/new?step=files",
                        title=move || t().uploads.running_hint(),
                        aria-label=label
                    ) {
                        (icon(Glyph::Upload))
                        span(class="upload-indicator-words") { (words) }
                    }
                }
            }
            None => view! {},
        })
    }
}
