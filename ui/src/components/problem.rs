//! What went wrong with a call, in words: what happened, what is safe, what to try.
use std::rc::Rc;

use sycamore::prelude::*;

use super::banner::{Banner, Tone};
use super::button::Button;
use super::icon::Glyph;
use crate::client::ClientError;
use crate::i18n::t;

/// An error of the client as a sentence: the server's own words where it has some.
pub fn problem_words(error: &ClientError) -> String {
    let words = t().common;
    match error {
        ClientError::Problem(problem) => problem.detail.clone(),
        ClientError::Unauthorized => words.signed_out(),
        ClientError::Offline | ClientError::Aborted => words.offline(),
        ClientError::TimedOut => words.timed_out(),
        ClientError::Unreadable(status) => words.unreadable(&status.to_string()),
    }
}

/// Props of [`LoadProblem`].
#[derive(Props)]
pub struct LoadProblemProps {
    /// Why the last read failed; nothing is shown while there is no reason.
    problem: ReadSignal<Option<ClientError>>,
    /// Reads again; without it there is no button, for what reads again by itself.
    #[prop(default, setter(strip_option))]
    retry: Option<Rc<dyn Fn()>>,
}

/// Says that something could not be loaded, and why.
#[component]
pub fn LoadProblem(props: LoadProblemProps) -> View {
    let LoadProblemProps { problem, retry } = props;
    view! {
        (match problem.get_clone() {
            None => view! {},
            Some(error) => {
                let button = retry.clone().map_or_else(View::new, |retry| view! {
                    Button(glyph=Glyph::RotateCw, on:click=move |_| retry()) { (|| t().common.retry()) }
                });
                view! {
                    Banner(tone=Tone::Error, title=move || t().common.load_failed()) {
                        p { (problem_words(&error)) " " (t().common.load_failed_safe()) }
                        (button)
                    }
                }
            }
        })
    }
}
