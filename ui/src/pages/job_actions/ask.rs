//! The dialogs before something is done: whether it is meant, or which value it should have.
use slurmdash_api::jobs::{ActionKind, ActionRequest, JobState};
use sycamore::prelude::*;
use web_sys::KeyboardEvent;

use super::{Actions, Question, Target};
use crate::components::{Banner, Button, ButtonKind, Dialog, TextInput, Tone, problem_words};
use crate::i18n::{format, t};
use crate::pages::new_job::check;

/// Jobs that a dialog names.
const NAMED: usize = 6;

/// The dialog; once on a page.
#[component(inline_props)]
pub fn ActionDialog(actions: Actions) -> View {
    let question = actions.question;
    let value = create_signal(String::new());
    // A question that is asked again begins with the job's own value.
    create_effect(move || {
        let first = question.with(|question| question.as_ref().map(first_value).unwrap_or_default());
        if actions.open.get() {
            value.set(first);
        }
    });
    let wrong = create_selector(move || {
        let (value, kind) = (value.get_clone(), question.with(|question| question.as_ref().map(|q| q.kind)));
        kind.is_some_and(|kind| !is_value(kind, &value))
    });
    let confirm = move || {
        let Some(Question { kind, targets }) = question.get_clone_untracked() else { return };
        if wrong.get_untracked() {
            return;
        }
        let value = value.get_clone_untracked().trim().to_owned();
        actions.run(ActionRequest {
            action: kind,
            jobs: targets.into_iter().map(|target| target.id).collect(),
            time: (kind == ActionKind::TimeLimit).then(|| value.clone()),
            nice: if kind == ActionKind::Nice { value.parse().ok() } else { None },
        });
    };
    let title = move || question.with(|question| question.as_ref().map(title_of).unwrap_or_default());
    let buttons = move || {
        let label = question.with(|question| question.as_ref().map(button_of).unwrap_or_default());
        let kept = question.with(|question| question.as_ref().map(keep_of).unwrap_or_default());
        let danger = question.with(|question| question.as_ref().is_some_and(|q| q.kind == ActionKind::Cancel));
        let kind = if danger { ButtonKind::Danger } else { ButtonKind::Primary };
        view! {
            Button(on:click=move |_| actions.open.set(false)) { (kept) }
            Button(kind=kind, busy=*actions.busy, disabled=wrong, on:click=move |_| confirm()) { (label) }
        }
    };
    let body = move || match question.get_clone() {
        None => View::new(),
        Some(question) => {
            let field = value_field(&question, value, wrong, confirm);
            let text = text_of(&question);
            let named = names(&question.targets);
            view! {
                p { (text) }
                (named)
                (field)
            }
        }
    };
    let problem = actions.problem;
    view! {
        Dialog(open=actions.open, title=title, actions=move || view! { (buttons()) }) {
            (body())
            (match problem.get_clone() {
                Some(error) => view! {
                    Banner(tone=Tone::Error, title=move || t().actions.not_sent()) { (problem_words(&error)) }
                },
                None => view! {},
            })
        }
    }
}

fn first_value(question: &Question) -> String {
    match (question.kind, question.targets.as_slice()) {
        (ActionKind::TimeLimit, [one]) => one.time_limit.map(format::duration).unwrap_or_default(),
        (ActionKind::Nice, _) => "100".to_owned(),
        _ => String::new(),
    }
}

/// Whether the action can be done with this value; those without one always can.
fn is_value(kind: ActionKind, value: &str) -> bool {
    match kind {
        ActionKind::TimeLimit => check::time_seconds(value).is_some(),
        ActionKind::Nice => value.trim().parse::<i32>().is_ok_and(|nice| (-10_000..=10_000).contains(&nice)),
        _ => true,
    }
}

fn title_of(question: &Question) -> String {
    let words = t().actions;
    let count = format::count(question.targets.len());
    match (question.kind, question.targets.as_slice()) {
        (ActionKind::Requeue, [one]) => words.requeue_title_one(&one.id),
        (ActionKind::Requeue, _) => words.requeue_title_many(&count),
        (ActionKind::TimeLimit, [one]) => words.time_title_one(&one.id),
        (ActionKind::TimeLimit, _) => words.time_title_many(&count),
        (ActionKind::Nice, [one]) => words.nice_title_one(&one.id),
        (ActionKind::Nice, _) => words.nice_title_many(&count),
        (_, [one]) => words.cancel_title_one(&one.id),
        _ => words.cancel_title_many(&count),
    }
}

fn button_of(question: &Question) -> String {
    let words = t().actions;
    let count = format::count(question.targets.len());
    match (question.kind, question.targets.as_slice()) {
        (ActionKind::Requeue, [one]) => words.requeue_one(&one.id),
        (ActionKind::Requeue, _) => words.requeue_many(&count),
        (ActionKind::TimeLimit, _) => words.time_set(),
        (ActionKind::Nice, _) => words.nice_set(),
        (_, [one]) => words.cancel_one(&one.id),
        _ => words.cancel_many(&count),
    }
}

fn keep_of(question: &Question) -> String {
    match (question.kind, question.targets.len()) {
        (ActionKind::TimeLimit | ActionKind::Nice, _) => t().common.cancel(),
        (_, 1) => t().actions.keep(),
        _ => t().actions.keep_many(),
    }
}

fn text_of(question: &Question) -> String {
    let words = t().actions;
    match question.kind {
        ActionKind::Cancel => {
            let waits = |target: &Target| target.states.iter().all(|state| *state == JobState::Pending);
            if question.targets.iter().all(waits) { words.cancel_pending() } else { words.cancel_running() }
        }
        ActionKind::Requeue => words.requeue_text(),
        _ => String::new(),
    }
}

/// The jobs by number and name, when there are several.
fn names(targets: &[Target]) -> View {
    if targets.len() < 2 {
        return View::new();
    }
    let mut lines: Vec<View> = targets
        .iter()
        .take(NAMED)
        .map(|target| {
            let (id, name) = (target.id.clone(), target.name.clone());
            view! { li { span(class="mono") { (id) } span { (name) } } }
        })
        .collect();
    if targets.len() > NAMED {
        let more = t().actions.and_more(&format::count(targets.len() - NAMED));
        lines.push(view! { li { (more) } });
    }
    let label = t().actions.which_jobs();
    view! { ul(class="asked-jobs", aria-label=label) { (lines) } }
}

fn value_field(
    question: &Question,
    value: Signal<String>,
    wrong: ReadSignal<bool>,
    confirm: impl Fn() + Copy + 'static,
) -> View {
    let keys = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            confirm();
        }
    };
    let shown = move || wrong.get() && !value.with(String::is_empty);
    match question.kind {
        ActionKind::TimeLimit => view! {
            TextInput(
                name="new_time_limit",
                label=move || t().actions.time_label(),
                value=value,
                help=move || t().actions.time_help(),
                error=move || if shown() { t().wizard.wrong_time() } else { String::new() },
                autocomplete="off",
                on:keydown=keys
            )
        },
        ActionKind::Nice => view! {
            TextInput(
                name="new_nice",
                label=move || t().actions.nice_label(),
                value=value,
                help=move || t().actions.nice_help(),
                error=move || if shown() { t().actions.nice_wrong() } else { String::new() },
                inputmode="numeric",
                autocomplete="off",
                on:keydown=keys
            )
        },
        _ => View::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_before_they_are_sent() {
        assert!(is_value(ActionKind::TimeLimit, "1:00:00") && !is_value(ActionKind::TimeLimit, "soon"));
        assert!(is_value(ActionKind::Nice, " -5 ") && !is_value(ActionKind::Nice, "10001"));
        assert!(!is_value(ActionKind::Nice, "") && is_value(ActionKind::Cancel, ""));
    }
}
