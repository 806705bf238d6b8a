//! The bar that says how many jobs are chosen and what can be done with them.
use slurmdash_api::jobs::ActionKind;
use sycamore::prelude::*;

use crate::client::use_client;
use crate::components::{Glyph, IconButton, Menu, MenuItem, Selection, icon};
use crate::i18n::{format, t};
use crate::pages::job_actions::{Actions, Target, glyph, is_offered, verb};

/// What stands in the bar itself; the others are in its menu.
const FIRST: [ActionKind; 4] = [ActionKind::Cancel, ActionKind::Hold, ActionKind::Release, ActionKind::Requeue];

/// The bar; nothing while no job is chosen.
#[component(inline_props)]
pub fn ActionBar(selection: Selection, targets: ReadSignal<Vec<Target>>, actions: Actions) -> View {
    let client = use_client();
    let some = create_selector(move || targets.with(|targets| !targets.is_empty()));
    let count = create_selector(move || targets.with(Vec::len));
    // Drawn anew only when what it offers is another thing: a live update must not take the focus away.
    let offered = create_selector(move || {
        targets.with(|targets| {
            let fits = |kind: ActionKind| {
                let fitting = targets.iter().filter(|target| target.can(kind)).count();
                (fitting > 0 && is_offered(client, kind)).then_some((kind, fitting))
            };
            ActionKind::ALL.into_iter().filter_map(fits).collect::<Vec<_>>()
        })
    });
    let start = move |kind: ActionKind| {
        let fitting = targets.get_clone_untracked().into_iter().filter(|target| target.can(kind)).collect();
        actions.start(kind, fitting);
    };
    let label = move |kind: ActionKind, fitting: usize| {
        targets.with(|targets| {
            let chosen: Vec<Target> = targets.iter().filter(|target| target.can(kind)).cloned().collect();
            let verb = verb(kind, &chosen);
            let tells = kind == ActionKind::Cancel || fitting == targets.len();
            if tells { verb } else { t().actions.of_selected(&verb, &format::count(fitting)) }
        })
    };
    let buttons = move || {
        let (first, rest): (Vec<_>, Vec<_>) =
            offered.get_clone().into_iter().partition(|(kind, _)| FIRST.contains(kind));
        let none = first.is_empty() && rest.is_empty();
        let buttons: Vec<View> = first
            .into_iter()
            .map(|(kind, fitting)| {
                let class = if kind == ActionKind::Cancel { "button button-danger" } else { "button button-secondary" };
                view! {
                    button(
                        class=class,
                        r#type="button",
                        disabled=move || actions.busy().get(),
                        on:click=move |_| start(kind)
                    ) {
                        (icon(glyph(kind)))
                        span(class="button-label") { (label(kind, fitting)) }
                    }
                }
            })
            .collect();
        let items: Vec<MenuItem> = rest
            .into_iter()
            .map(|(kind, fitting)| MenuItem {
                glyph: glyph(kind),
                label: (move || label(kind, fitting)).into(),
                act: Box::new(move || start(kind)),
            })
            .collect();
        let menu = if items.is_empty() {
            View::new()
        } else {
            view! { Menu(label=move || t().actions.more(), items=items, upwards=true) }
        };
        let nothing = if none {
            view! { span(class="action-none") { (t().actions.nothing_fits()) } }
        } else {
            View::new()
        };
        view! { (buttons) (menu) (nothing) }
    };
    let words = move || match count.get() {
        1 => t().actions.selected_one(),
        several => t().actions.selected_many(&format::count(several)),
    };
    view! {
        (if some.get() {
            view! {
                div(class="action-bar", role="toolbar", aria-label=move || t().actions.bar()) {
                    span(class="action-count", role="status") { (words()) }
                    (buttons())
                    IconButton(
                        glyph=Glyph::X,
                        label=move || t().actions.clear(),
                        on:click=move |_| selection.clear()
                    )
                }
            }
        } else {
            view! {}
        })
    }
}
