//! The rail: links to the pages; icons with words, icons alone when folded, a bar at the bottom on a phone.
use slurmdash_api::auth::Permission;
use slurmdash_api::cluster::ClusterSummary;
use sycamore::prelude::*;

use crate::browser;
use crate::client::use_client;
use crate::components::icon::{Glyph, icon};
use crate::i18n::t;
use crate::router::{self, Route};

/// Kept for the next visit; `static/early.js` reads it before the first paint.
const FOLDED_KEY: &str = "slurmdash.rail";

/// A page in the rail.
struct Place {
    href: &'static str,
    glyph: Glyph,
    name: fn() -> String,
    /// Whether a route belongs to it.
    holds: fn(&Route) -> bool,
    /// Any of these is needed to see anything there; none for what is everybody's.
    needs: &'static [Permission],
}

/// What there is for somebody under `/admin`.
pub const ADMIN: &[Permission] = &[Permission::UserView, Permission::AuditView, Permission::EventView];

const PLACES: [Place; 5] = [
    Place {
        href: "/dashboard",
        glyph: Glyph::LayoutDashboard,
        name: || t().shell.dashboard(),
        holds: |route| matches!(route, Route::Dashboard | Route::Root),
        needs: &[],
    },
    Place {
        href: "/jobs",
        glyph: Glyph::ListVideo,
        name: || t().shell.jobs(),
        holds: |route| matches!(route, Route::Jobs | Route::Job(_) | Route::NewJob),
        needs: &[Permission::JobView],
    },
    Place {
        href: "/nodes",
        glyph: Glyph::Server,
        name: || t().shell.nodes(),
        holds: |route| matches!(route, Route::Nodes),
        needs: &[Permission::NodeView],
    },
    Place {
        href: "/templates",
        glyph: Glyph::LayoutTemplate,
        name: || t().shell.templates(),
        holds: |route| matches!(route, Route::Templates | Route::Template(_)),
        needs: &[Permission::TemplateView],
    },
    Place {
        href: "/admin",
        glyph: Glyph::Shield,
        name: || t().shell.admin(),
        holds: |route| matches!(route, Route::Admin(_)),
        needs: ADMIN,
    },
];

fn link(place: &'static Place, route: ReadSignal<Route>) -> View {
    let session = use_client().session;
    let here = create_selector(move || route.with(place.holds));
    let allowed = create_selector(move || {
        place.needs.is_empty() || place.needs.iter().any(|permission| session.may(*permission))
    });
    view! {
        (if allowed.get() {
            view! {
                li {
                    a(
                        class="rail-link",
                        href=place.href,
                        aria-current=move || here.get().then_some("page"),
                        title=move || (place.name)()
                    ) {
                        (icon(place.glyph))
                        span(class="rail-word") { ((place.name)()) }
                    }
                }
            }
        } else {
            view! {}
        })
    }
}

/// The rail.
#[component(inline_props)]
pub fn Rail(cluster: ReadSignal<Option<ClusterSummary>>) -> View {
    let route = router::route();
    let links: Vec<View> = PLACES.iter().map(|place| link(place, route)).collect();
    let simulated = create_selector(move || cluster.with(|cluster| cluster.as_ref().is_some_and(|c| c.simulated)));
    let folded = create_signal(browser::stored(FOLDED_KEY).is_some());
    create_effect(move || {
        if folded.get() {
            browser::store(FOLDED_KEY, "folded");
            browser::set_root_attribute("data-rail", "folded");
        } else {
            browser::forget(FOLDED_KEY);
            browser::remove_root_attribute("data-rail");
        }
    });
    let fold_word = move || {
        if folded.get() { t().shell.unfold_navigation() } else { t().shell.fold_navigation() }
    };
    view! {
        nav(class="rail", aria-label=move || t().shell.navigation()) {
            a(class="brand", href="/dashboard", aria-label="slurmdash") {
                (brand_mark())
                span(class="rail-word", aria-hidden="true") { "slurmdash" }
            }
            ul(class="rail-links") { (links) }
            ul(class="rail-links rail-foot") {
                (if simulated.get() {
                    view! {
                        li(class="wide-only") {
                            a(class="rail-link", href="/gallery", title=move || t().shell.gallery()) {
                                (icon(Glyph::Grip))
                                span(class="rail-word") { (|| t().shell.gallery()) }
                            }
                        }
                    }
                } else {
                    view! {}
                })
                li(class="wide-only") {
                    a(class="rail-link", href="/api/docs", title=move || t().shell.api_docs()) {
                        (icon(Glyph::BookOpenText))
                        span(class="rail-word") { (|| t().shell.api_docs()) }
                    }
                }
                li(class="wide-only") {
                    button(
                        class="rail-link",
                        r#type="button",
                        aria-expanded=move || if folded.get() { "false" } else { "true" },
                        aria-label=fold_word,
                        title=fold_word,
                        on:click=move |_| folded.set(!folded.get_untracked())
                    ) {
                        (icon(Glyph::PanelLeft))
                        span(class="rail-word") { (fold_word()) }
                    }
                }
            }
        }
    }
}

/// The mark: three queued bars, one of them running.
pub fn brand_mark() -> View {
    view! {
        svg(class="brand-mark", viewBox="0 0 24 24", aria-hidden="true") {
            rect(class="brand-ground", width="24", height="24", rx="6")
            rect(class="brand-bar", x="5", y="6", width="14", height="3", rx="1.5")
            rect(class="brand-bar brand-bar-2", x="5", y="10.5", width="9", height="3", rx="1.5")
            rect(class="brand-bar brand-bar-3", x="5", y="15", width="5", height="3", rx="1.5")
        }
    }
}
