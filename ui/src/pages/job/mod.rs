//! `/jobs/<id>`: one job. Its state and why, when what happened, its output as it grows, script and files, and a way to
//! stop it.
mod facts;
mod output;
mod timeline;
pub mod why;

use slurmdash_api::jobs::{Job, JobDetail, JobState};
use slurmdash_api::live::ServerMessage;
use sycamore::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::client::data::Remote;
use crate::client::http::escape;
use crate::client::refetch::{Keeper, Refetch};
use crate::client::{ClientError, use_client};
use crate::components::{
    Banner, Button, ButtonKind, Dialog, EmptyState, ExplanationBox, Glyph, JobStatePill, LinkButton, LoadProblem,
    PageHeader, Skeleton, Tone, problem_words, toast,
};
use crate::i18n::t;

use self::facts::{Facts, Sources};
use self::output::Output;
use self::timeline::Timeline;
use self::why::explain;

/// Shortest time between two reads of the job, milliseconds.
const GAP_MS: f64 = 1_000.0;

/// One job.
#[component(inline_props)]
pub fn JobPage(id: String) -> View {
    let detail = follow(&id);
    let value = detail.value();
    let problem = detail.problem();
    let missing = create_selector(move || {
        value.with(Option::is_none)
            && problem.with(|problem| problem.as_ref().is_some_and(|error| error.status() == Some(404)))
    });
    let known = create_selector(move || value.with(Option::is_some));
    let failed = create_selector(move || problem.with(Option::is_some));
    let shown_id = id.clone();
    View::from_dynamic(move || {
        // Both are read before either decides: see the note in components/mod.rs.
        let (missing, known) = (missing.get(), known.get());
        if missing {
            not_found(&shown_id)
        } else if known {
            known_job(&shown_id, detail)
        } else {
            let title_id = shown_id.clone();
            view! {
                PageHeader(title=move || t().job.title(&title_id), parent=("/jobs", || t().job.jobs()))
                LoadProblem(problem=problem)
                (if failed.get() { view! {} } else { view! { Skeleton(lines=4, shape="card") } })
            }
        }
    })
}

/// Keeps the job up to date for as long as the page is shown.
fn follow(id: &str) -> Remote<JobDetail> {
    let client = use_client();
    let detail = Remote::new();
    let path = format!("/api/jobs/{}", escape(id));
    let read = Refetch::new(GAP_MS, move || {
        let path = path.clone();
        async move { detail.put(client.get::<JobDetail>(&path).await) }
    });
    let (id, again) = (id.to_owned(), read.clone());
    let keeper = Keeper::new(client.live, &["jobs"], &read, move |message| {
        let ServerMessage::Jobs { changed, gone, freshness } = message else {
            return;
        };
        let news = changed.iter().find(|job| job.id == id);
        // The exit code and what else only the whole record has comes with the next read.
        if news.is_some() || gone.contains(&id) {
            again.soon();
        }
        detail.patch(|detail| {
            let stale_before = detail.freshness.stale;
            detail.freshness = freshness.clone();
            if let Some(job) = news {
                detail.job = job.clone();
            }
            news.is_some() || stale_before != freshness.stale
        });
    });
    on_cleanup(move || drop(keeper));
    detail
}

/// Whose job it is: the account here that submitted it, else the Unix user.
pub fn person_of(job: &Job) -> &str {
    job.owner.as_deref().unwrap_or(&job.user)
}

fn not_found(id: &str) -> View {
    let (title, heading) = (id.to_owned(), id.to_owned());
    view! {
        PageHeader(title=move || t().job.title(&heading), parent=("/jobs", || t().job.jobs()))
        EmptyState(
            glyph=Glyph::CircleQuestionMark,
            title=move || t().job.missing_title(&title),
            text=move || t().job.missing_text()
        ) {
            LinkButton(href="/jobs") { (|| t().job.to_jobs()) }
        }
    }
}

fn known_job(id: &str, detail: Remote<JobDetail>) -> View {
    let value = detail.value();
    let job: ReadSignal<Option<Job>> =
        create_selector(move || value.with(|detail| detail.as_ref().map(|detail| detail.job.clone())));
    let name = create_selector(move || job.with(|job| job.as_ref().map(|job| job.name.clone()).unwrap_or_default()));
    let state = create_selector(move || job.with(|job| job.as_ref().map_or(JobState::Unknown, |job| job.state)));
    let over = create_selector(move || state.get().is_final());
    let started = create_selector(move || !matches!(state.get(), JobState::Pending | JobState::Configuring));
    let both = create_selector(move || {
        value.with(|detail| {
            detail.as_ref().is_some_and(|detail| detail.stderr.is_some() && detail.stderr != detail.stdout)
        })
    });
    let explanation = create_selector(move || value.with(|detail| detail.as_ref().and_then(explain)));
    let may_cancel = create_selector(move || {
        let (may, over) = (value.with(|detail| detail.as_ref().is_some_and(|detail| detail.may_cancel)), over.get());
        may && !over
    });
    let client = use_client();
    let context_id = id.to_owned();
    let context = move || {
        job.with(|job| {
            job.as_ref().map(|job| t().job.context(&context_id, person_of(job), &job.partition)).unwrap_or_default()
        })
    };
    let (cancel_id, output_id) = (id.to_owned(), id.to_owned());
    view! {
        PageHeader(title=move || name.get_clone(), context=context, parent=("/jobs", || t().job.jobs())) {
            (if may_cancel.get() {
                let id = cancel_id.clone();
                view! { Cancel(id=id, state=state) }
            } else {
                view! {}
            })
        }
        (trouble(detail))
        div(class="job") {
            div(class="job-main") {
                div(class="job-head") {
                    ({
                        let state = state.get();
                        view! { JobStatePill(state=state) }
                    })
                }
                (match explanation.get_clone() {
                    Some(found) => view! {
                        ExplanationBox(tone=found.tone, what=found.what, why=found.why, todo=found.todo)
                    },
                    None => view! {},
                })
                section(class="job-output") {
                    h2(class="section-title") { (|| t().job.output()) }
                    Output(client=client, id=output_id, over=over, started=started, both=both)
                }
                Sources(detail=value)
            }
            div(class="job-side") {
                Timeline(job=job)
                Facts(detail=value)
            }
        }
    }
}

/// Says when what is shown may not be how it is.
fn trouble(detail: Remote<JobDetail>) -> View {
    let value = detail.value();
    let problem = detail.problem();
    let stale = create_selector(move || value.with(|detail| detail.as_ref().is_some_and(|d| d.freshness.stale)));
    view! {
        (match (problem.get_clone(), stale.get()) {
            (Some(error), _) => view! {
                Banner(tone=Tone::Warning, title=move || t().job.not_refreshed()) { (problem_words(&error)) }
            },
            (None, true) => view! {
                Banner(tone=Tone::Warning, title=move || t().job.stale_title()) { (|| t().job.stale_text()) }
            },
            (None, false) => view! {},
        })
    }
}

/// The button that cancels, and the question before it.
#[component(inline_props)]
fn Cancel(id: String, state: ReadSignal<JobState>) -> View {
    let client = use_client();
    let open = create_signal(false);
    let busy = create_signal(false);
    let problem = create_signal(None::<ClientError>);
    let path = format!("/api/jobs/{}/cancel", escape(&id));
    let done_id = id.clone();
    let confirm = move |_| {
        if busy.replace(true) {
            return;
        }
        let (path, id) = (path.clone(), done_id.clone());
        // Not bound to this button, which goes as soon as the news arrive that the job has ended.
        spawn_local(async move {
            let answer = client.post::<serde_json::Value>(&path, &serde_json::json!({})).await;
            if answer.is_ok() {
                toast(Tone::Success, t().job.cancelled(&id));
            }
            if busy.is_alive() {
                busy.set(false);
                open.set(answer.is_err());
                problem.set(answer.err());
            }
        });
    };
    let ask = move |_| {
        problem.set(None);
        open.set(true);
    };
    let (title_id, label_id, button_id) = (id.clone(), id.clone(), id);
    let text = move || {
        if matches!(state.get(), JobState::Pending) { t().job.cancel_pending() } else { t().job.cancel_running() }
    };
    view! {
        Button(glyph=Glyph::CircleSlash, on:click=ask) { (t().job.cancel(&button_id)) }
        Dialog(
            open=open,
            title=move || t().job.cancel_title(&title_id),
            actions=move || view! {
                Button(on:click=move |_| open.set(false)) { (|| t().job.keep()) }
                Button(kind=ButtonKind::Danger, busy=busy, on:click=confirm) { (t().job.cancel(&label_id)) }
            }
        ) {
            p { (text()) }
            (match problem.get_clone() {
                Some(error) => view! {
                    Banner(tone=Tone::Error, title=move || t().job.cancel_failed()) { (problem_words(&error)) }
                },
                None => view! {},
            })
        }
    }
}
