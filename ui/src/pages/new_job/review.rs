//! The review step: the exact script, whether it fits right now, and the button that submits it.
use slurmdash_api::jobs::{JobPreview, JobRequest};
use sycamore::prelude::*;

use crate::client::data::Remote;
use crate::client::refetch::Refetch;
use crate::client::{Client, ClientError};
use crate::components::{Banner, Button, CodeView, Glyph, Skeleton, Tone, problem_words};
use crate::i18n::t;

/// Asks the server for the script of a request, for as long as the current scope lives.
pub fn preview(client: Client, request: JobRequest) -> Remote<JobPreview> {
    let preview = Remote::new();
    let read = Refetch::new(0.0, move || {
        let request = request.clone();
        async move { preview.put(client.post::<JobPreview>("/api/jobs/preview", &request).await) }
    });
    read.restart();
    preview
}

/// The step. `submitting` is why the last attempt to submit failed.
#[component(inline_props)]
pub fn ReviewStep(
    preview: Remote<JobPreview>,
    submitting: ReadSignal<Option<ClientError>>,
    on_settings: Box<dyn Fn()>,
) -> View {
    let value = preview.value();
    let problem = preview.problem();
    let on_settings = std::rc::Rc::new(on_settings);
    let back = {
        let on_settings = on_settings.clone();
        move || {
            let on_settings = on_settings.clone();
            view! {
                Button(glyph=Glyph::ArrowLeft, on:click=move |_| on_settings()) { (|| t().wizard.to_settings()) }
            }
        }
    };
    let back_again = back.clone();
    view! {
        h2(class="step-title", tabindex="-1") { (|| t().wizard.check()) }
        (match submitting.get_clone() {
            Some(error) => {
                let button = back.clone();
                view! {
                    Banner(tone=Tone::Error, title=move || t().wizard.submit_failed()) {
                        p { (problem_words(&error)) }
                        (button())
                    }
                }
            }
            None => view! {},
        })
        (match problem.get_clone() {
            Some(error) => {
                let refused = matches!(error.status(), Some(400..=499));
                let button = back_again.clone();
                let title = move || if refused { t().wizard.preview_failed() } else { t().wizard.preview_failed_else() };
                view! {
                    Banner(tone=Tone::Error, title=title) {
                        p { (problem_words(&error)) }
                        (button())
                    }
                }
            }
            None => view! {},
        })
        (match value.get_clone() {
            Some(preview) => shown(preview),
            None if problem.with(Option::is_none) => view! { Skeleton(lines=8) },
            None => view! {},
        })
    }
}

fn shown(preview: JobPreview) -> View {
    let JobPreview { script, fits_now, warnings } = preview;
    let fits = match fits_now {
        Some(true) => view! {
            Banner(tone=Tone::Success, title=move || t().wizard.fits()) { (|| t().wizard.fits_text()) }
        },
        Some(false) => view! {
            Banner(tone=Tone::Info, title=move || t().wizard.fits_not()) { (|| t().wizard.fits_not_text()) }
        },
        None => View::new(),
    };
    let warnings = if warnings.is_empty() {
        View::new()
    } else {
        let lines: Vec<View> = warnings.into_iter().map(|warning| view! { li { (warning) } }).collect();
        view! {
            Banner(tone=Tone::Warning, title=move || t().wizard.warnings()) { ul { (lines) } }
        }
    };
    view! {
        (fits)
        (warnings)
        CodeView(code=script, label=move || t().wizard.exact_script())
    }
}
