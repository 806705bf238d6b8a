//! Asks before something is done that can't be taken back, does it, and says in place why it could not be done.
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use sycamore::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::banner::{Banner, Tone};
use super::button::{Button, ButtonKind};
use super::dialog::Dialog;
use super::field::TextInput;
use super::problem::problem_words;
use super::{Text, no_text};
use crate::client::ClientError;
use crate::i18n::t;

type Work = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), ClientError>>>>>;

/// What is asked.
pub struct Question {
    title: Text,
    text: Text,
    verb: Text,
    typed: String,
    is_danger: bool,
    words: fn(&ClientError) -> String,
    work: Work,
}

impl Question {
    /// `title` asks, `text` says what comes of it, `verb` is the button that does `work`.
    pub fn new<F: Future<Output = Result<(), ClientError>> + 'static>(
        title: impl Into<Text>,
        text: impl Into<Text>,
        verb: impl Into<Text>,
        work: impl Fn() -> F + 'static,
    ) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
            verb: verb.into(),
            typed: String::new(),
            is_danger: true,
            words: problem_words,
            work: Rc::new(move || Box::pin(work())),
        }
    }

    /// It gives something and takes nothing away.
    pub fn harmless(mut self) -> Self {
        self.is_danger = false;
        self
    }

    /// This must be typed before, so that nobody does it by habit.
    pub fn typed(mut self, name: impl Into<String>) -> Self {
        self.typed = name.into();
        self
    }

    /// How a refusal is put into words.
    pub fn refused_as(mut self, words: fn(&ClientError) -> String) -> Self {
        self.words = words;
        self
    }
}

/// The question that is asked now; copies are the same.
#[derive(Clone, Copy)]
pub struct Confirm {
    question: Signal<Option<Rc<Question>>>,
    open: Signal<bool>,
    busy: Signal<bool>,
    problem: Signal<Option<ClientError>>,
    typed: Signal<String>,
}

impl Confirm {
    /// Lives as long as the current scope.
    pub fn new() -> Self {
        Self {
            question: create_signal(None),
            open: create_signal(false),
            busy: create_signal(false),
            problem: create_signal(None),
            typed: create_signal(String::new()),
        }
    }

    /// Asks.
    pub fn ask(self, question: Question) {
        if self.busy.get_untracked() {
            return;
        }
        self.problem.set(None);
        self.typed.set(String::new());
        self.question.set(Some(Rc::new(question)));
        self.open.set(true);
    }

    fn go(self) {
        let Some(question) = self.question.get_clone_untracked() else { return };
        let is_typed = self.typed.with_untracked(|typed| typed.trim() == question.typed);
        if !is_typed || self.busy.replace(true) {
            return;
        }
        self.problem.set(None);
        // Not bound to this page: what was begun is ended, wherever the person goes meanwhile.
        spawn_local(async move {
            let answer = (question.work)().await;
            if !self.busy.is_alive() {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(()) => self.open.set(false),
                Err(error) => self.problem.set(Some(error)),
            }
        });
    }
}

/// The dialog; once on a page.
#[component(inline_props)]
pub fn ConfirmDialog(confirm: Confirm) -> View {
    let Confirm { question, open, busy, problem, typed } = confirm;
    let text_of = move |part: fn(&Question) -> Text| {
        let text = question.get_clone().map_or_else(no_text, |question| part(&question));
        text.get_clone()
    };
    let wanted = create_selector(move || question.with(|q| q.as_ref().map(|q| q.typed.clone()).unwrap_or_default()));
    let locked = create_selector(move || {
        let (wanted, typed) = (wanted.get_clone(), typed.get_clone());
        typed.trim() != wanted
    });
    // One signal for both: a button that is drawn anew must not miss a change of what locks it.
    let look = create_selector(move || {
        let (locked, danger) = (locked.get(), question.with(|q| q.as_ref().is_none_or(|q| q.is_danger)));
        (danger, locked)
    });
    let buttons = move || {
        let (is_danger, is_locked) = look.get();
        let kind = if is_danger { ButtonKind::Danger } else { ButtonKind::Primary };
        view! {
            Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
            Button(kind=kind, busy=*busy, disabled=is_locked, on:click=move |_| confirm.go()) {
                (text_of(|question| question.verb.clone()))
            }
        }
    };
    let field = move || match wanted.get_clone() {
        wanted if wanted.is_empty() => View::new(),
        wanted => view! {
            TextInput(
                name="confirm_name",
                label=move || t().common.type_to_confirm(&wanted),
                value=typed,
                autocomplete="off",
                autocapitalize="none",
                "spellcheck"="false",
                monospace=true
            )
        },
    };
    view! {
        Dialog(
            open=open,
            title=move || text_of(|question| question.title.clone()),
            actions=move || view! { (buttons()) }
        ) {
            p { (text_of(|question| question.text.clone())) }
            (field())
            (match problem.get_clone() {
                Some(error) => {
                    let words = question.with(|question| question.as_ref().map_or(problem_words as fn(&_) -> _, |q| q.words));
                    view! {
                        Banner(tone=Tone::Error, title=move || t().common.not_done()) { (words(&error)) }
                    }
                }
                None => view! {},
            })
        }
    }
}
