//! One file of an upload: name, how far it is, how fast, and what can be done about it.
use std::rc::Rc;

use slurmdash_api::uploads::FileType;
use sycamore::prelude::*;

use super::button::IconButton;
use super::icon::{Glyph, icon};
use crate::i18n::{format, t};
use crate::upload::{Failure, Item, Phase, Progress, Uploads};

/// Why an upload stopped, in words.
pub fn failure_words(failure: &Failure) -> String {
    let words = t().uploads;
    match failure {
        Failure::TooLarge(0) => words.too_large(),
        Failure::TooLarge(limit) => words.too_large_limit(&format::bytes(*limit)),
        Failure::Exists => words.exists(),
        Failure::NoRoom(detail) => words.no_room(detail),
        Failure::SignedOut => words.signed_out(),
        Failure::Unreadable => words.unreadable(),
        Failure::Refused(detail) => detail.clone(),
        Failure::ServerTrouble => words.server_trouble(),
    }
}

/// What is going on, in a line.
fn status_words(progress: &Progress) -> String {
    let words = t().uploads;
    let amount = || words.done_of(&format::bytes(progress.done), &format::bytes(progress.size));
    match &progress.phase {
        Phase::Ready => format!("{} · {}", words.ready(), format::bytes(progress.size)),
        Phase::NeedsFile => format!("{} · {}", amount(), words.needs_file()),
        Phase::Queued => words.queued(),
        Phase::Sending if progress.retrying => format!("{} · {}", amount(), words.retrying()),
        Phase::Sending => {
            let rate = progress.rate.map(|rate| words.rate(&format::bytes(rate)));
            let left = progress.seconds_left.map(|left| words.left(&format::duration(left)));
            [Some(amount()), rate, left].into_iter().flatten().collect::<Vec<_>>().join(" · ")
        }
        Phase::Finishing => words.finishing(),
        Phase::Paused => format!("{} · {}", amount(), words.paused()),
        Phase::Failed(failure) => failure_words(failure),
        Phase::Done(_) => format!("{} · {}", words.stored(), format::bytes(progress.size)),
    }
}

/// How the row looks, for the style sheet.
fn look(progress: &Progress) -> &'static str {
    match &progress.phase {
        Phase::Failed(_) => "failed",
        Phase::Done(_) => "done",
        Phase::Paused | Phase::NeedsFile => "paused",
        Phase::Sending if progress.retrying => "paused",
        Phase::Ready => "ready",
        Phase::Queued | Phase::Sending | Phase::Finishing => "active",
    }
}

fn glyph_of(kind: FileType) -> Glyph {
    match kind {
        FileType::Script => Glyph::Terminal,
        FileType::Config | FileType::Document | FileType::Result => Glyph::FileText,
        FileType::Model => Glyph::Box,
        FileType::Mesh => Glyph::Grip,
        FileType::Data | FileType::Other => Glyph::File,
    }
}

/// Per cent, 0 to 100; an empty file is all there once it is done.
fn percent(progress: &Progress) -> u64 {
    if progress.is_done() { 100 } else { format::percent_of(progress.done, progress.size) }
}

/// One file of the list.
#[component(inline_props)]
pub fn UploadRow(item: Rc<Item>, uploads: Uploads) -> View {
    let progress = item.progress();
    let name = item.name.clone();
    let share = create_selector(move || progress.with(percent));
    let words = create_selector(move || progress.with(status_words));
    let look = create_selector(move || progress.with(look));
    let (for_label, title) = (name.clone(), name.clone());
    let picture = icon(glyph_of(item.info.r#type));
    let actions = actions(&item, uploads);
    let announced = create_selector(move || progress.with(|p| matches!(p.phase, Phase::Failed(_))));
    view! {
        li(class="upload", data-look=move || look.get()) {
            span(class="upload-kind") { (picture) }
            div(class="upload-words") {
                span(class="upload-name", title=title) { (name) }
                span(class="upload-status", role=move || announced.get().then_some("alert")) { (words.get_clone()) }
            }
            span(class="upload-share") { (format!("{}%", share.get())) }
            div(class="upload-actions") { (actions) }
            div(
                class="upload-progress",
                role="progressbar",
                aria-label=move || t().uploads.progress_of(&for_label),
                aria-valuemin="0",
                aria-valuemax="100",
                aria-valuenow=move || share.get().to_string()
            ) {
                svg(class="meter-bar", aria-hidden="true", preserveAspectRatio="none") {
                    rect(class="meter-track", width="100%", height="100%", rx="2")
                    rect(class="meter-fill", width=move || format!("{}%", share.get()), height="100%", rx="2")
                }
            }
        }
    }
}

/// What can be done about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Pause,
    Resume,
    Retry,
    /// Instead of the file of the same name.
    Replace,
    /// Off the list; nothing is lost.
    Remove,
    /// Off the list, and what was sent is thrown away.
    Cancel,
}

/// What is offered in a phase, in the order of the buttons.
fn offers(progress: &Progress) -> Vec<Offer> {
    match &progress.phase {
        Phase::Queued | Phase::Sending => vec![Offer::Pause, Offer::Cancel],
        Phase::Paused => vec![Offer::Resume, Offer::Cancel],
        Phase::Failed(Failure::Exists) => vec![Offer::Replace, Offer::Cancel],
        Phase::Failed(failure) if failure.can_retry() => vec![Offer::Retry, Offer::Cancel],
        Phase::Failed(_) | Phase::Finishing | Phase::NeedsFile => vec![Offer::Cancel],
        Phase::Ready | Phase::Done(_) => vec![Offer::Remove],
    }
}

fn actions(item: &Rc<Item>, uploads: Uploads) -> View {
    let progress = item.progress();
    let offered = create_selector(move || progress.with(offers));
    let item = item.clone();
    View::from_dynamic(move || {
        let buttons: Vec<View> = offered.get_clone().into_iter().map(|offer| button(offer, &item, uploads)).collect();
        View::from(buttons)
    })
}

fn button(offer: Offer, item: &Rc<Item>, uploads: Uploads) -> View {
    let (item, name) = (item.clone(), item.name.clone());
    let glyph = match offer {
        Offer::Pause => Glyph::Pause,
        Offer::Resume => Glyph::Play,
        Offer::Retry => Glyph::RotateCw,
        Offer::Remove | Offer::Cancel => Glyph::X,
        Offer::Replace => {
            return view! {
                button(class="button button-ghost", r#type="button", on:click=move |_| uploads.replace(&item)) {
                    span(class="button-label") { (|| t().uploads.replace()) }
                }
            };
        }
    };
    let label = move || {
        let words = t().uploads;
        match offer {
            Offer::Pause => words.pause(&name),
            Offer::Resume => words.resume(&name),
            Offer::Retry => words.retry(&name),
            Offer::Replace => words.replace(),
            Offer::Remove => words.remove(&name),
            Offer::Cancel => words.cancel(&name),
        }
    };
    let act = move |_| match offer {
        Offer::Pause => uploads.pause(&item),
        Offer::Resume | Offer::Retry => uploads.start(&item),
        Offer::Replace => uploads.replace(&item),
        Offer::Remove | Offer::Cancel => uploads.remove(&item),
    };
    view! { IconButton(glyph=glyph, label=label, on:click=act) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(phase: Phase, done: u64, size: u64) -> Progress {
        Progress { phase, done, size, rate: None, seconds_left: None, retrying: false }
    }

    #[test]
    fn only_what_is_done_says_a_hundred() {
        assert_eq!(percent(&progress(Phase::Sending, 999, 1_000)), 99);
        assert_eq!(percent(&progress(Phase::Sending, 0, 0)), 0);
        assert_eq!(percent(&progress(Phase::Done("/x".into()), 0, 0)), 100);
    }

    #[test]
    fn what_is_offered_fits_the_phase() {
        let offers = |phase| offers(&progress(phase, 0, 10));
        assert_eq!(offers(Phase::Sending), [Offer::Pause, Offer::Cancel]);
        assert_eq!(offers(Phase::Paused), [Offer::Resume, Offer::Cancel]);
        assert_eq!(offers(Phase::Failed(Failure::ServerTrouble)), [Offer::Retry, Offer::Cancel]);
        assert_eq!(offers(Phase::Failed(Failure::Exists)), [Offer::Replace, Offer::Cancel]);
        assert_eq!(offers(Phase::Failed(Failure::TooLarge(1))), [Offer::Cancel]);
        assert_eq!(offers(Phase::Ready), [Offer::Remove]);
    }
}
