//! `/jobs/<id>`: one job, or one array. Its state and why, when what happened, its output as it grows, how well it used
//! what it asked for, its script and files, and what can be done with it.
mod array;
mod facts;
mod head;
mod output;
mod record;
mod steps;
mod timeline;
mod usage;

use slurmdash_api::jobs::{Explanation, Job, JobDetail, JobState, Severity};
use slurmdash_api::live::ServerMessage;
use sycamore::prelude::*;

use crate::client::data::Remote;
use crate::client::http::escape;
use crate::client::refetch::{Keeper, Refetch};
use crate::client::{Client, use_client};
use crate::components::{
    Banner, EmptyState, ExplanationBox, Glyph, JobStatePill, LinkButton, LoadProblem, PageHeader, Skeleton, Tone,
    problem_words,
};
use crate::i18n::{Language, language, t};
use crate::pages::job_actions::{ActionDialog, ActionReport, Actions};
use crate::router::path_to;

use self::array::ArrayTasks;
use self::facts::{Facts, Sources};
use self::head::HeadActions;
use self::output::Output;
use self::record::Record;
use self::steps::Steps;
use self::timeline::Timeline;
use self::usage::Efficiency;

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
        // An array's page tells of all its tasks.
        let tasks = changed.iter().any(|job| job.array_job_id.is_some_and(|array| array.to_string() == id));
        // The exit code and what else only the whole record has comes with the next read.
        if news.is_some() || tasks || gone.contains(&id) {
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
    let client = use_client();
    let actions = Actions::new(client);
    let value = detail.value();
    let job: ReadSignal<Option<Job>> =
        create_selector(move || value.with(|detail| detail.as_ref().map(|detail| detail.job.clone())));
    let name = create_selector(move || job.with(|job| job.as_ref().map(|job| job.name.clone()).unwrap_or_default()));
    let whole_array =
        create_selector(move || value.with(|detail| detail.as_ref().and_then(|detail| array_of(&detail.job, detail))));
    let context_id = id.to_owned();
    let context = move || {
        job.with(|job| {
            job.as_ref().map(|job| t().job.context(&context_id, person_of(job), &job.partition)).unwrap_or_default()
        })
    };
    // Asking for what somebody may not read would be written down as a try.
    let readable = create_selector(move || value.with(|detail| detail.as_ref().map(|detail| detail.may_read)));
    let (head_id, output_id, record_id) = (id.to_owned(), id.to_owned(), id.to_owned());
    view! {
        PageHeader(title=move || name.get_clone(), context=context, parent=("/jobs", || t().job.jobs())) {
            HeadActions(id=head_id, detail=value, actions=actions)
        }
        ActionReport(actions=actions)
        (trouble(detail))
        div(class="job") {
            div(class="job-main") {
                (head(value))
                (explained(value))
                (match whole_array.get() {
                    Some(array) => view! { ArrayTasks(array=array, detail=value) },
                    None => output(client, &output_id, value, readable),
                })
                Efficiency(detail=value)
                Steps(detail=value)
                Sources(detail=value)
                (if readable.get() == Some(true) {
                    let id = record_id.clone();
                    view! { Record(id=id) }
                } else {
                    View::new()
                })
            }
            div(class="job-side") {
                Timeline(detail=value)
                Facts(detail=value)
            }
        }
        ActionDialog(actions=actions)
    }
}

/// The array's number, when the page is about a whole array.
fn array_of(job: &Job, detail: &JobDetail) -> Option<u32> {
    detail.array.as_ref().map(|_| job.array_job_id.unwrap_or(job.job_id))
}

/// The state, and the array that it is a task of.
fn head(detail: ReadSignal<Option<JobDetail>>) -> View {
    // An array is in many states; its strip shows them.
    let state = create_selector(move || detail.with(|d| d.as_ref().filter(|d| d.array.is_none()).map(|d| d.job.state)));
    let array = create_selector(move || {
        detail.with(|detail| {
            let detail = detail.as_ref().filter(|detail| detail.array.is_none())?;
            detail.job.array_job_id.filter(|array| detail.job.id != array.to_string())
        })
    });
    view! {
        div(class="job-head") {
            (match state.get() {
                Some(state) => view! { JobStatePill(state=state) },
                None => view! {},
            })
            (match array.get() {
                Some(array) => {
                    let (id, href) = (array.to_string(), path_to("/jobs", &array.to_string()));
                    view! { a(href=href) { (t().job.part_of_array(&id)) } }
                }
                None => view! {},
            })
        }
    }
}

/// Why it waits, or why it ended as it did, as the server explains it.
fn explained(detail: ReadSignal<Option<JobDetail>>) -> View {
    let explanation =
        create_selector(move || detail.with(|detail| detail.as_ref().and_then(|d| d.explanation.clone())));
    view! {
        (match explanation.get_clone() {
            Some(Explanation { severity, en, ko, .. }) => {
                let tone = match severity {
                    Severity::Info => Tone::Info,
                    Severity::Warning => Tone::Warning,
                    Severity::Error => Tone::Error,
                };
                let words = match language() {
                    Language::English => en,
                    Language::Korean => ko,
                };
                view! { ExplanationBox(tone=tone, what=words.what, why=words.why, todo=words.todo) }
            }
            None => view! {},
        })
    }
}

fn output(client: Client, id: &str, detail: ReadSignal<Option<JobDetail>>, readable: ReadSignal<Option<bool>>) -> View {
    let state = create_selector(move || detail.with(|d| d.as_ref().map_or(JobState::Unknown, |d| d.job.state)));
    let over = create_selector(move || state.get().is_final());
    let started = create_selector(move || !matches!(state.get(), JobState::Pending | JobState::Configuring));
    let both = create_selector(move || {
        detail.with(|detail| {
            detail.as_ref().is_some_and(|detail| detail.stderr.is_some() && detail.stderr != detail.stdout)
        })
    });
    let id = id.to_owned();
    view! {
        section(class="job-output") {
            h2(class="section-title") { (|| t().job.output()) }
            (match readable.get() {
                Some(true) => {
                    let id = id.clone();
                    view! { Output(client=client, id=id, over=over, started=started, both=both) }
                }
                Some(false) => view! { p(class="card-note") { (|| t().job.output_of_others()) } },
                None => view! { Skeleton(lines=6) },
            })
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
