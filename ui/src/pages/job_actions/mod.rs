//! What can be done with jobs, one or many, from the list and from a job's page. What can be taken back is done at once
//! and offers to; what can't asks first. Each job that refuses says why.
mod ask;

pub use ask::ActionDialog;

use slurmdash_api::auth::Permission;
use slurmdash_api::jobs::{ActionKind, ActionRequest, ActionResult, ActionResults, JobState};
use sycamore::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::client::jobs::act;
use crate::client::{Client, ClientError};
use crate::components::{Banner, Glyph, IconButton, Tone, problem_words, toast, toast_with_undo};
use crate::i18n::{format, t};
use crate::router::path_to;

/// A job that something is to be done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state; an array's tasks are in several.
    pub states: Vec<JobState>,
    /// Whether somebody holds it; of an array that is not known.
    pub held: Option<bool>,
    /// Its time limit, seconds.
    pub time_limit: Option<u64>,
}

impl Target {
    /// Whether it can be done with this job as it is now.
    pub fn can(&self, kind: ActionKind) -> bool {
        let held = match kind {
            ActionKind::Hold => self.held != Some(true),
            ActionKind::Release => self.held != Some(false),
            _ => true,
        };
        held && self.states.iter().any(|state| kind.fits(*state))
    }
}

/// What is asked before something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    kind: ActionKind,
    targets: Vec<Target>,
}

/// What did not become of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Report {
    title: String,
    /// Job and reason; the job is empty when it is about all of them.
    lines: Vec<(String, String)>,
}

/// What can be done, and what is being done; copies are the same.
#[derive(Clone, Copy)]
pub struct Actions {
    client: Client,
    question: Signal<Option<Question>>,
    open: Signal<bool>,
    busy: Signal<bool>,
    problem: Signal<Option<ClientError>>,
    report: Signal<Option<Report>>,
    done: Signal<Vec<String>>,
}

impl Actions {
    /// Lives as long as the current scope.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            question: create_signal(None),
            open: create_signal(false),
            busy: create_signal(false),
            problem: create_signal(None),
            report: create_signal(None),
            done: create_signal(Vec::new()),
        }
    }

    /// Ids of the jobs with which the last thing was done.
    pub fn done(self) -> ReadSignal<Vec<String>> {
        *self.done
    }

    /// Whether something is under way.
    pub fn busy(self) -> ReadSignal<bool> {
        *self.busy
    }

    /// Does it at once when it can be taken back; asks when it can't, or when it needs a value.
    pub fn start(self, kind: ActionKind, targets: Vec<Target>) {
        self.problem.set(None);
        if targets.is_empty() || self.busy.get_untracked() {
            return;
        }
        if reverse(kind).is_some() {
            let jobs = targets.into_iter().map(|target| target.id).collect();
            self.run(ActionRequest { action: kind, jobs, time: None, nice: None });
        } else {
            self.question.set(Some(Question { kind, targets }));
            self.open.set(true);
        }
    }

    fn run(self, request: ActionRequest) {
        if self.busy.replace(true) {
            return;
        }
        self.report.set(None);
        // Not bound to what was pressed, which may go as soon as the news arrive.
        spawn_local(async move {
            let answer = act(self.client, &request).await;
            if let Ok(results) = &answer {
                self.say(&request, results);
            }
            if !self.busy.is_alive() {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(results) => {
                    self.open.set(false);
                    self.report.set(report(&results));
                    let done = results.results.into_iter().filter(|result| result.ok);
                    self.done.set(done.map(|result| result.job).collect());
                }
                Err(error) if self.open.get_untracked() => self.problem.set(Some(error)),
                Err(error) => self.report.set(Some(Report {
                    title: t().actions.not_sent(),
                    lines: vec![(String::new(), problem_words(&error))],
                })),
            }
        });
    }

    /// Tells in passing what was done, with the way back where there is one.
    fn say(self, request: &ActionRequest, results: &ActionResults) {
        let done: Vec<String> =
            results.results.iter().filter(|result| result.ok).map(|result| result.job.clone()).collect();
        if done.is_empty() {
            return;
        }
        let words = done_words(request.action, &done);
        match reverse(request.action) {
            None => toast(Tone::Success, words),
            Some(back) => toast_with_undo(Tone::Success, words, move || {
                let request = ActionRequest { action: back, jobs: done.clone(), time: None, nice: None };
                self.take_back(request);
            }),
        }
    }

    /// As [`Actions::run`], also when the page that it began on is gone.
    fn take_back(self, request: ActionRequest) {
        if self.busy.is_alive() {
            return self.run(request);
        }
        let client = self.client;
        spawn_local(async move {
            match act(client, &request).await {
                Ok(results) => {
                    let done: Vec<String> =
                        results.results.iter().filter(|result| result.ok).map(|result| result.job.clone()).collect();
                    if !done.is_empty() {
                        toast(Tone::Success, done_words(request.action, &done));
                    }
                    if let Some(report) = report(&results) {
                        toast(Tone::Error, report.title);
                    }
                }
                Err(error) => toast(Tone::Error, problem_words(&error)),
            }
        });
    }
}

/// What takes it back; nothing for what can't be.
fn reverse(kind: ActionKind) -> Option<ActionKind> {
    match kind {
        ActionKind::Hold => Some(ActionKind::Release),
        ActionKind::Release => Some(ActionKind::Hold),
        ActionKind::Suspend => Some(ActionKind::Resume),
        ActionKind::Resume => Some(ActionKind::Suspend),
        ActionKind::Cancel | ActionKind::Requeue | ActionKind::TimeLimit | ActionKind::Nice => None,
    }
}

/// Whether a person may ask for it at all: Slurm lets only operators stop and resume what runs.
pub fn is_offered(client: Client, kind: ActionKind) -> bool {
    !matches!(kind, ActionKind::Suspend | ActionKind::Resume)
        || client.session.user().is_some_and(|user| user.permissions.contains(&Permission::JobManage))
}

fn report(results: &ActionResults) -> Option<Report> {
    let failed: Vec<_> = results.results.iter().filter(|result| !result.ok).collect();
    let first = failed.first()?;
    let words = t().actions;
    let title = match (results.results.len(), failed.len()) {
        (1, _) => words.one_not_done(&first.job),
        (all, failed) if all == failed => words.none_done(&format::count(all)),
        (all, failed) => words.some_done(&format::count(all - failed), &format::count(failed)),
    };
    Some(Report { title, lines: refusals(results) })
}

/// The jobs that refused, and why.
fn refusals(results: &ActionResults) -> Vec<(String, String)> {
    let failed = results.results.iter().filter(|result| !result.ok);
    let why = |result: &ActionResult| result.detail.clone().or(result.code.clone()).unwrap_or_default();
    failed.map(|result| (result.job.clone(), why(result))).collect()
}

/// The verb, for a button: with the job or their number where it can't be taken back.
pub fn verb(kind: ActionKind, targets: &[Target]) -> String {
    let words = t().actions;
    let count = format::count(targets.len());
    match (kind, targets) {
        (ActionKind::Cancel, [one]) => words.cancel_one(&one.id),
        (ActionKind::Cancel, _) => words.cancel_many(&count),
        (ActionKind::Hold, _) => words.hold(),
        (ActionKind::Release, _) => words.release(),
        (ActionKind::Requeue, _) => words.requeue(),
        (ActionKind::Suspend, _) => words.suspend(),
        (ActionKind::Resume, _) => words.resume(),
        (ActionKind::TimeLimit, _) => words.time_limit(),
        (ActionKind::Nice, _) => words.nice(),
    }
}

/// Its icon.
pub fn glyph(kind: ActionKind) -> Glyph {
    match kind {
        ActionKind::Cancel => Glyph::CircleSlash,
        ActionKind::Hold | ActionKind::Suspend => Glyph::Pause,
        ActionKind::Release | ActionKind::Resume => Glyph::Play,
        ActionKind::Requeue => Glyph::RotateCw,
        ActionKind::TimeLimit => Glyph::Timer,
        ActionKind::Nice => Glyph::ChevronsUpDown,
    }
}

fn done_words(kind: ActionKind, jobs: &[String]) -> String {
    let words = t().actions;
    let count = format::count(jobs.len());
    match (kind, jobs) {
        (ActionKind::Cancel, [id]) => words.cancelled_one(id),
        (ActionKind::Cancel, _) => words.cancelled_many(&count),
        (ActionKind::Hold, [id]) => words.held_one(id),
        (ActionKind::Hold, _) => words.held_many(&count),
        (ActionKind::Release, [id]) => words.released_one(id),
        (ActionKind::Release, _) => words.released_many(&count),
        (ActionKind::Requeue, [id]) => words.requeued_one(id),
        (ActionKind::Requeue, _) => words.requeued_many(&count),
        (ActionKind::Suspend, [id]) => words.suspended_one(id),
        (ActionKind::Suspend, _) => words.suspended_many(&count),
        (ActionKind::Resume, [id]) => words.resumed_one(id),
        (ActionKind::Resume, _) => words.resumed_many(&count),
        (ActionKind::TimeLimit | ActionKind::Nice, [id]) => words.changed_one(id),
        (ActionKind::TimeLimit | ActionKind::Nice, _) => words.changed_many(&count),
    }
}

/// Says with which jobs it could not be done, and why.
#[component(inline_props)]
pub fn ActionReport(actions: Actions) -> View {
    let report = actions.report;
    view! {
        (match report.get_clone() {
            None => view! {},
            Some(Report { title, lines }) => {
                let lines: Vec<View> = lines
                    .into_iter()
                    .map(|(id, why)| {
                        let link = if id.is_empty() {
                            View::new()
                        } else {
                            let href = path_to("/jobs", &id);
                            view! { a(class="mono", href=href) { (id) } " " }
                        };
                        view! { li { (link) (why) } }
                    })
                    .collect();
                view! {
                    div(class="action-report") {
                        Banner(tone=Tone::Error, title=title) { ul { (lines) } }
                        IconButton(
                            glyph=Glyph::X,
                            label=move || t().common.close(),
                            on:click=move |_| report.set(None)
                        )
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(states: &[JobState], held: Option<bool>) -> Target {
        Target { id: "1".into(), name: "n".into(), states: states.to_vec(), held, time_limit: None }
    }

    #[test]
    fn only_what_fits_is_offered() {
        let pending = target(&[JobState::Pending], Some(false));
        assert!(
            pending.can(ActionKind::Hold) && !pending.can(ActionKind::Release) && !pending.can(ActionKind::Requeue)
        );
        let held = target(&[JobState::Pending], Some(true));
        assert!(held.can(ActionKind::Release) && !held.can(ActionKind::Hold));
        let array = target(&[JobState::Running, JobState::Pending, JobState::Failed], None);
        assert!([ActionKind::Cancel, ActionKind::Hold, ActionKind::Release].into_iter().all(|kind| array.can(kind)));
        assert!(!ActionKind::ALL.into_iter().any(|kind| target(&[JobState::Completed], Some(false)).can(kind)));
    }

    #[test]
    fn a_job_that_refuses_does_not_hide_the_others() {
        let result = |job: &str, ok: bool| ActionResult {
            job: job.into(),
            ok,
            code: (!ok).then(|| "forbidden".into()),
            detail: (job == "2").then(|| "it is somebody else’s".into()),
        };
        let all = |results: Vec<ActionResult>| ActionResults { results, done: 0, failed: 0 };
        assert_eq!(report(&all(vec![result("1", true)])), None);
        let lines = refusals(&all(vec![result("1", true), result("2", false), result("3", false)]));
        assert_eq!(lines, [("2".into(), "it is somebody else’s".into()), ("3".into(), "forbidden".to_owned())]);
    }
}
