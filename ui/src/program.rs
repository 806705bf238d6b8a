//! What is in which of the two programs. A first visit loads the small one, `ENTRY`; a page that it does not hold is
//! loaded anew with `FULL`, and from there on every page is gone to in place, so that uploads go on.
//!
//! `static/early.js` chooses by the address, and must choose `ENTRY` for nothing but what it holds. Only what a program
//! names here gets into it: the linker leaves out the rest, so nothing else may name a page or the upload engine.
use sycamore::prelude::*;

use crate::client::Client;
use crate::components::UploadIndicator;
use crate::pages;
use crate::router::Route;
use crate::upload::Uploads;

/// What one of the programs holds.
pub struct Program {
    /// Whether the page of a route is in it.
    pub(crate) holds: fn(&Route) -> bool,
    /// The page inside the frame; nothing for a route that it does not hold.
    pub(crate) page: fn(Route) -> View,
    /// Puts into the context what its pages share beyond the client.
    pub(crate) provide: fn(Client),
    /// What the top bar shows of work that goes on while pages change.
    pub(crate) indicator: fn() -> View,
}

/// Login and dashboard.
pub const ENTRY: Program = Program {
    holds: |route| matches!(route, Route::Login | Route::Root | Route::Dashboard),
    page: |route| pages::first_pages(&route),
    provide: |_| {},
    indicator: View::new,
};

/// Everything.
pub const FULL: Program = Program {
    holds: |_| true,
    page: pages::all_pages,
    provide: |client| {
        Uploads::provide(client);
    },
    indicator: || view! { UploadIndicator {} },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_the_small_program_lacks_is_in_the_full_one() {
        for path in ["/", "/login", "/dashboard"] {
            assert!((ENTRY.holds)(&Route::parse(path)), "{path}");
        }
        for path in [
            "/jobs",
            "/jobs/1",
            "/jobs/new",
            "/nodes",
            "/templates",
            "/templates/a",
            "/profile",
            "/admin",
            "/admin/users/a",
            "/gallery",
            "/x",
        ] {
            assert!(!(ENTRY.holds)(&Route::parse(path)), "{path}");
            assert!((FULL.holds)(&Route::parse(path)), "{path}");
        }
    }

    #[test]
    fn the_start_of_the_page_chooses_the_small_program_for_what_it_holds() {
        let early = include_str!("../static/early.js");
        assert!(early.contains(r#"["/", "/login", "/dashboard"].includes(location.pathname)"#));
    }
}
