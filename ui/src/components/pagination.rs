//! Pages of a list. The current one is in the URL as `page`; each page is a real link.
use sycamore::prelude::*;

use super::icon::{Glyph, icon};
use crate::i18n::{format, t};
use crate::router::here_with;

/// Props of [`Pagination`].
#[derive(Props)]
pub struct PaginationProps {
    /// This page, from 1.
    #[prop(setter(into))]
    page: MaybeDyn<usize>,
    /// Rows on a full page.
    per_page: usize,
    /// Rows on all pages.
    #[prop(setter(into))]
    total: MaybeDyn<usize>,
}

/// The last page there is, at least 1.
pub fn page_count(total: usize, per_page: usize) -> usize {
    total.div_ceil(per_page.max(1)).max(1)
}

/// This place on another page: everything else in the query stays, and the first page needs no number.
fn page_href(page: usize) -> String {
    let number = if page == 1 { String::new() } else { page.to_string() };
    here_with(&[("page", &number)])
}

/// Previous, next, and where we are. Nothing when everything is on one page.
#[component]
pub fn Pagination(props: PaginationProps) -> View {
    let PaginationProps { page, per_page, total } = props;
    let state = create_memo(move || {
        let total = total.get();
        let pages = page_count(total, per_page);
        (page.get().clamp(1, pages), pages, total)
    });
    let step = |glyph: Glyph, label: String, to: Option<usize>| match to {
        Some(to) => {
            let (href, title) = (page_href(to), label.clone());
            view! { a(class="icon-button", href=href, aria-label=label, title=title) { (icon(glyph)) } }
        }
        None => view! {
            span(class="icon-button", aria-hidden="true", data-off="") { (icon(glyph)) }
        },
    };
    let shown = move || {
        let (page, pages, total) = state.get();
        if pages == 1 {
            return view! {};
        }
        let words = t().common;
        let first = (page - 1) * per_page + 1;
        let last = (first + per_page - 1).min(total);
        let rows = words.rows_of(&format::count(first), &format::count(last), &format::count(total));
        view! {
            nav(class="pagination", aria-label=words.pages()) {
                span(class="pagination-rows") { (rows) }
                (step(Glyph::ChevronLeft, t().common.previous_page(), (page > 1).then(|| page - 1)))
                span { (t().common.page_of(&format::count(page), &format::count(pages))) }
                (step(Glyph::ChevronRight, t().common.next_page(), (page < pages).then_some(page + 1)))
            }
        }
    };
    view! { (shown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_page() {
        assert_eq!(page_count(0, 50), 1);
        assert_eq!(page_count(50, 50), 1);
        assert_eq!(page_count(51, 50), 2);
        assert_eq!(page_count(5, 0), 5);
    }
}
