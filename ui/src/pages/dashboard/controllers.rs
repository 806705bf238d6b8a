//! Which controllers there are, where there are several, and what is said when a backup does the primary's work.
use slurmdash_api::cluster::{Controller, Controllers, Standing};
use sycamore::prelude::*;

use crate::client::use_client;
use crate::components::state_pill::{Mark, pill};
use crate::components::{Banner, Tone};
use crate::i18n::t;

/// What happened to the primary, as long as Slurm answers; when it does not, the frame says why.
#[derive(Debug, Clone, PartialEq, Eq)]
enum News {
    TakenOver { silent: String, in_charge: String },
    TakingOver { silent: String, next: String },
}

fn news(controllers: &Controllers) -> Option<News> {
    let owned = str::to_owned;
    match controllers.standing() {
        Standing::TakenOver { silent, in_charge } => {
            Some(News::TakenOver { silent: owned(silent), in_charge: owned(in_charge) })
        }
        Standing::TakingOver { silent, next } => Some(News::TakingOver { silent: owned(silent), next: owned(next) }),
        Standing::Unknown | Standing::Usual | Standing::Silent => None,
    }
}

/// The banner for it.
#[component]
pub fn TakeoverBanner() -> View {
    let data = use_client().data;
    let (controllers, freshness) = (data.controllers(), data.freshness());
    let news = create_selector(move || {
        let answers = freshness.with(|freshness| freshness.as_ref().is_some_and(|freshness| !freshness.stale));
        controllers.with(news).filter(|_| answers)
    });
    view! {
        (match news.get_clone() {
            None => view! {},
            Some(News::TakenOver { silent, in_charge }) => {
                let host = silent.clone();
                let title = move || t().dashboard.taken_over_title(&silent, &in_charge);
                view! { Banner(tone=Tone::Warning, title=title) { (t().dashboard.taken_over_text(&host)) } }
            }
            Some(News::TakingOver { silent, next }) => {
                let title = move || t().dashboard.taking_over_title(&silent, &next);
                view! { Banner(tone=Tone::Warning, title=title) { (|| t().dashboard.taking_over_text()) } }
            }
        })
    }
}

/// The controllers side by side; nothing where there is only one.
#[component]
pub fn ControllersLine() -> View {
    let controllers = use_client().data.controllers();
    let several = create_selector(move || controllers.with(|controllers| controllers.all.len() > 1));
    let entries = move || {
        let Controllers { all, in_charge } = controllers.get_clone();
        all.into_iter().map(|one| entry(one, in_charge.as_deref())).collect::<Vec<View>>()
    };
    view! {
        (if several.get() {
            view! {
                section(class="controllers", aria-labelledby="controllers") {
                    h2(id="controllers") { (|| t().dashboard.controllers()) }
                    ul { (entries()) }
                }
            }
        } else {
            view! {}
        })
    }
}

fn entry(one: Controller, in_charge: Option<&str>) -> View {
    let (mark, word): (Mark, fn() -> String) = if !one.answers {
        (Mark::Failed, || t().dashboard.not_answering())
    } else if in_charge == Some(&one.host) {
        (Mark::Running, || t().dashboard.in_charge())
    } else {
        (Mark::Idle, || t().dashboard.standby())
    };
    view! { li { span(class="mono") { (one.host) } (pill(mark, mark.glyph(), word)) } }
}
