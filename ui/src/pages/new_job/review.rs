//! The review step: the exact script, when Slurm would start it, and the button that submits it.
use slurmdash_api::jobs::{JobForecast, JobPreview, JobRequest};
use sycamore::prelude::*;

use crate::browser;
use crate::client::data::Remote;
use crate::client::refetch::Refetch;
use crate::client::{Client, ClientError};
use crate::components::{Banner, Button, CodeView, Glyph, Skeleton, Tone, problem_words};
use crate::i18n::{format, t};

/// A start within so many seconds is at once.
const SOON: i64 = 60;

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

/// Asks Slurm when it would start a request (`sbatch --test-only`), for as long as the current scope lives.
pub fn forecast(client: Client, request: JobRequest) -> Remote<JobForecast> {
    let forecast = Remote::new();
    let read = Refetch::new(0.0, move || {
        let request = request.clone();
        async move { forecast.put(client.post::<JobForecast>("/api/jobs/test", &request).await) }
    });
    read.restart();
    forecast
}

/// The step. `submitting` is why the last attempt to submit failed.
#[component(inline_props)]
pub fn ReviewStep(
    preview: Remote<JobPreview>,
    forecast: Remote<JobForecast>,
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
            Some(preview) => shown(preview, forecast),
            None if problem.with(Option::is_none) => view! { Skeleton(lines=8) },
            None => view! {},
        })
    }
}

fn shown(preview: JobPreview, forecast: Remote<JobForecast>) -> View {
    let JobPreview { script, fits_now, warnings } = preview;
    let warnings = if warnings.is_empty() {
        View::new()
    } else {
        let lines: Vec<View> = warnings.into_iter().map(|warning| view! { li { (warning) } }).collect();
        view! {
            Banner(tone=Tone::Warning, title=move || t().wizard.warnings()) { ul { (lines) } }
        }
    };
    let (value, problem) = (forecast.value(), forecast.problem());
    let start = move || {
        let (value, failed) = (value.get_clone(), problem.with(Option::is_some));
        match value {
            Some(forecast) => foretold(forecast),
            // Slurm does not say; what the partition has free is better than nothing.
            None if failed => fits(fits_now),
            None => view! { p(class="card-note", role="status") { (t().wizard.asking()) } },
        }
    };
    view! {
        div(class="review") {
            div(class="review-side") {
                (start())
                (warnings)
            }
            CodeView(code=script, label=move || t().wizard.exact_script())
        }
    }
}

/// When and where Slurm would start it, or why it would not take it.
fn foretold(forecast: JobForecast) -> View {
    let JobForecast { accepted, refusal, start_time, node_list, partition, .. } = forecast;
    if !accepted {
        let refusal = refusal.unwrap_or_default();
        return view! {
            Banner(tone=Tone::Error, title=move || t().wizard.refused()) {
                p { (|| t().wizard.refused_text()) }
                p(class="mono") { (refusal) }
            }
        };
    }
    let soon = start_time.is_some_and(|start| start <= browser::now() + SOON);
    let title = move || match start_time {
        None => t().wizard.would_start(),
        Some(_) if soon => t().wizard.starts_now(),
        Some(start) => t().wizard.starts_at(&format::relative_time(start)),
    };
    let place = move || match (&node_list, &partition) {
        (Some(nodes), Some(partition)) => t().wizard.starts_where(nodes, partition),
        _ => String::new(),
    };
    let exact = move || match start_time {
        Some(start) if !soon => t().wizard.starts_exact(&format::exact_time(start)),
        _ => String::new(),
    };
    let tone = if soon { Tone::Success } else { Tone::Info };
    view! {
        Banner(tone=tone, title=title) {
            p { (exact()) }
            p { (place()) }
        }
    }
}

fn fits(fits_now: Option<bool>) -> View {
    match fits_now {
        Some(true) => view! {
            Banner(tone=Tone::Success, title=move || t().wizard.fits()) { (|| t().wizard.fits_text()) }
        },
        Some(false) => view! {
            Banner(tone=Tone::Info, title=move || t().wizard.fits_not()) { (|| t().wizard.fits_not_text()) }
        },
        None => View::new(),
    }
}
