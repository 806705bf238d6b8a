//! `/jobs/new`: from a template to a submitted job in four steps. The step is in the URL, what was filled in is kept as
//! a draft, and uploads go on whatever page is shown.
pub mod check;
mod draft;
mod files;
mod form;
mod judge;
mod more;
mod parameters;
mod request;
mod resubmit;
mod review;
mod script;
mod settings;
mod templates;

use std::rc::Rc;

use slurmdash_api::jobs::JobSubmitted;
use slurmdash_api::live::ServerMessage;
use slurmdash_api::templates::{Template, TemplateList};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use crate::browser;
use crate::client::data::Remote;
use crate::client::refetch::{Keeper, Refetch};
use crate::client::{Client, ClientError, use_client};
use crate::components::{
    Banner, Button, ButtonKind, Glyph, PageHeader, Skeleton, Stepper, Tone, problem_words, toast, toast_with_undo,
};
use crate::i18n::t;
use crate::router::{self, push_query, query_value};
use crate::upload::{Uploads, use_uploads};

use self::draft::{Draft, Pick};
use self::files::{FilesStep, hold_words};
use self::form::{Form, Wrong};
use self::resubmit::{Origin, origin_banner};
use self::review::{ReviewStep, forecast, preview};
use self::settings::{SettingsStep, partition_of};
use self::templates::TemplateStep;

/// Shortest time between two reads of the templates, milliseconds.
const GAP_MS: f64 = 2_000.0;

/// A step of the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Template,
    Files,
    Settings,
    Review,
}

impl Step {
    const ALL: [Step; 4] = [Self::Template, Self::Files, Self::Settings, Self::Review];

    /// Its word in the URL.
    fn word(self) -> &'static str {
        match self {
            Self::Template => "",
            Self::Files => "files",
            Self::Settings => "settings",
            Self::Review => "review",
        }
    }

    fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|step| step.word() == word).unwrap_or(Self::Template)
    }

    /// The step that can be shown when this one is asked for: the first that is not done yet, at most.
    fn at_most(self, picked: bool, files: bool, settings: bool) -> Self {
        let reached = match (picked, files, settings) {
            (false, ..) => Self::Template,
            (true, false, _) => Self::Files,
            (true, true, false) => Self::Settings,
            (true, true, true) => Self::Review,
        };
        self.min(reached)
    }
}

/// What the steps share; copies are the same wizard.
#[derive(Clone, Copy)]
struct Wizard {
    client: Client,
    form: Form,
    uploads: Uploads,
    templates: Remote<TemplateList>,
    /// The template of a link or draft that there isn't (any more).
    gone: Signal<String>,
    /// The draft has been looked at, and what it knows is in the form.
    restored: Signal<bool>,
    recall_problem: Signal<Option<ClientError>>,
    /// The earlier job that the form was filled from.
    origin: Signal<Option<Origin>>,
    /// What is filled in is kept.
    keeping: Signal<bool>,
}

/// The wizard.
#[component]
pub fn NewJob() -> View {
    let client = use_client();
    let wizard = Wizard {
        client,
        form: Form::new(),
        uploads: use_uploads(),
        templates: Remote::new(),
        gone: create_signal(String::new()),
        restored: create_signal(false),
        recall_problem: create_signal(None),
        origin: create_signal(None),
        keeping: create_signal(true),
    };
    wizard.read_templates();
    wizard.restore_when_ready();
    wizard.keep_draft();

    let cluster = client.data.watch_cluster().value();
    let form = wizard.form;
    let partition = create_memo(move || partition_of(form, cluster));
    let wrong: ReadSignal<Wrong> = create_memo(move || partition.with(|partition| form.wrong(partition.as_ref())));
    let hold = create_selector(move || hold_words(form.template, wizard.uploads));
    let asked = query_value("step");
    let step = create_selector(move || {
        Step::parse(&asked.get_clone()).at_most(
            form.pick.with(Option::is_some),
            hold.with(String::is_empty),
            wrong.with(Wrong::is_empty),
        )
    });
    let current = create_selector(move || step.get() as usize);
    // Without templates one can still write a script.
    let templates_problem = wizard.templates.problem();
    let shown = create_selector(move || {
        let (restored, trouble) = (wizard.restored.get(), templates_problem.with(Option::is_some));
        restored || trouble
    });
    let shown_step = create_selector(move || {
        let (shown, step) = (shown.get(), step.get());
        shown.then_some(step)
    });
    let has_draft = create_selector(move || form.pick.with(Option::is_some));
    view! {
        PageHeader(
            title=move || t().wizard.title(),
            context=move || if has_draft.get() { t().wizard.draft_kept() } else { String::new() },
            parent=("/jobs", || t().wizard.jobs())
        ) {
            (if has_draft.get() {
                view! {
                    Button(kind=ButtonKind::Ghost, glyph=Glyph::Trash2, on:click=move |_| wizard.discard()) {
                        (t().wizard.discard())
                    }
                }
            } else {
                view! {}
            })
        }
        div(class="wizard") {
            Stepper(
                steps=|| {
                    let words = t().wizard;
                    vec![words.step_template(), words.step_files(), words.step_settings(), words.step_review()]
                },
                current=current,
                on_back=Box::new(|index: usize| go(Step::ALL[index.min(3)])) as Box<dyn Fn(usize)>
            )
            (origin_banner(*wizard.origin))
            // Each step is drawn anew: what it shows is read from the form.
            (match shown_step.get() {
                Some(Step::Template) => template_step(&wizard),
                Some(Step::Files) => files_step(&wizard, hold),
                Some(Step::Settings) => settings_step(&wizard, cluster, wrong),
                Some(Step::Review) => review_step(&wizard),
                None => view! { Skeleton(lines=4, shape="card") },
            })
        }
    }
}

/// Goes to a step, as a place that Back leads back to.
fn go(step: Step) {
    push_query(&[("step", step.word())]);
    browser::after(0, || browser::focus(".step-title"));
}

/// The buttons at the foot of a step. `reason` says why going on must wait.
fn foot(back: Option<Step>, reason: impl Fn() -> String + 'static, next: View) -> View {
    let back = back.map_or_else(View::new, |step| {
        view! { Button(glyph=Glyph::ArrowLeft, on:click=move |_| go(step)) { (|| t().wizard.back()) } }
    });
    view! {
        div(class="wizard-foot") {
            (back)
            p(class="wizard-reason", id="wizard-reason", aria-live="polite") { (reason()) }
            (next)
        }
    }
}

fn next_button(blocked: impl Fn() -> bool + 'static, to: Step) -> View {
    view! {
        Button(kind=ButtonKind::Primary, disabled=blocked, aria-describedby="wizard-reason", on:click=move |_| go(to)) {
            (t().wizard.next())
        }
    }
}

fn template_step(&wizard: &Wizard) -> View {
    let nothing = create_selector(move || wizard.form.pick.with(Option::is_none));
    let reason = move || if nothing.get() { t().wizard.pick_one() } else { String::new() };
    view! {
        TemplateStep(form=wizard.form, list=wizard.templates, gone=*wizard.gone)
        (foot(None, reason, next_button(move || nothing.get(), Step::Files)))
    }
}

fn files_step(&wizard: &Wizard, hold: ReadSignal<String>) -> View {
    let problem = wizard.recall_problem;
    view! {
        (match problem.get_clone() {
            Some(error) => view! {
                Banner(tone=Tone::Warning, title=move || t().wizard.recall_failed()) { (problem_words(&error)) }
            },
            None => view! {},
        })
        FilesStep(template=wizard.form.template, uploads=wizard.uploads)
        (foot(
            Some(Step::Template),
            move || hold.get_clone(),
            next_button(move || !hold.with(String::is_empty), Step::Settings),
        ))
    }
}

fn settings_step(
    &wizard: &Wizard,
    cluster: ReadSignal<Option<slurmdash_api::cluster::ClusterSummary>>,
    wrong: ReadSignal<Wrong>,
) -> View {
    let form = wizard.form;
    let hints = wizard.hints();
    let go_on = move |_| {
        if wrong.with_untracked(Wrong::is_empty) {
            go(Step::Review);
        } else {
            form.show_all.set(true);
            browser::after(0, || browser::focus(".wizard [aria-invalid=true]"));
        }
    };
    let reason = move || {
        let (show, fine) = (form.show_all.get(), wrong.with(Wrong::is_empty));
        if show && !fine { t().wizard.fix_first() } else { String::new() }
    };
    let next = view! {
        Button(kind=ButtonKind::Primary, aria-describedby="wizard-reason", on:click=go_on) { (|| t().wizard.next()) }
    };
    let foot = foot(Some(Step::Files), reason, next);
    view! {
        SettingsStep(form=form, cluster=cluster, wrong=wrong, hints=hints)
        (foot)
    }
}

fn review_step(&wizard: &Wizard) -> View {
    let request = wizard.form.request(wizard.finished_uploads());
    let preview = preview(wizard.client, request.clone());
    let forecast = forecast(wizard.client, request.clone());
    // The same for every attempt from here: whatever breaks on the way, there is one job.
    let key = browser::random_key();
    let ready = create_selector(move || preview.value().with(Option::is_some));
    let problem = create_signal(None::<ClientError>);
    let busy = create_signal(false);
    create_effect(move || {
        wizard.note_refused(preview.problem().get_clone().as_ref());
    });
    create_effect(move || {
        wizard.note_refused(forecast.problem().get_clone().as_ref());
    });
    let submit = move |_| {
        if busy.replace(true) {
            return;
        }
        problem.set(None);
        let (request, key) = (request.clone(), key.clone());
        spawn_local_scoped(async move {
            match wizard.client.post_once::<JobSubmitted>("/api/jobs/submit", &request, &key).await {
                Ok(job) => {
                    wizard.finish();
                    toast(Tone::Success, t().wizard.submitted());
                    router::navigate(&format!("/jobs/{}", job.job_id));
                }
                Err(error) => {
                    wizard.note_refused(Some(&error));
                    problem.set(Some(error));
                    busy.set(false);
                }
            }
        });
    };
    let next = view! {
        Button(kind=ButtonKind::Primary, glyph=Glyph::Play, busy=busy, disabled=move || !ready.get(), on:click=submit) {
            (t().wizard.submit())
        }
    };
    let foot = foot(Some(Step::Settings), String::new, next);
    view! {
        ReviewStep(
            preview=preview,
            forecast=forecast,
            submitting=*problem,
            on_settings=Box::new(|| go(Step::Settings)) as Box<dyn Fn()>
        )
        (foot)
    }
}

impl Wizard {
    fn read_templates(self) {
        let read = Refetch::new(GAP_MS, move || async move {
            let answer = self.client.get::<TemplateList>("/api/v2/templates").await;
            self.templates.put(answer);
        });
        let keeper = Keeper::new(self.client.live, &["templates"], &read, move |message| {
            if let ServerMessage::Templates(list) = message {
                self.templates.put(Ok(list.clone()));
            }
        });
        on_cleanup(move || drop(keeper));
    }

    fn user(self) -> String {
        self.client.session.user().map(|user| user.username).unwrap_or_default()
    }

    fn template(self, id: &str) -> Option<Template> {
        self.templates
            .value()
            .with_untracked(|list| list.as_ref()?.templates.iter().find(|template| template.id == id).cloned())
    }

    /// As soon as the templates are known: the draft of an earlier visit, and the template that the link names.
    fn restore_when_ready(self) {
        // The templates may be here before it is known who asks; a draft belongs to a person.
        let known = create_selector(move || {
            let (templates, user) = (self.templates.value().with(Option::is_some), self.client.session.user());
            templates && user.is_some()
        });
        create_effect(move || {
            if known.get() && !self.restored.get_untracked() {
                untrack(|| {
                    if self.form.pick.with(Option::is_none) {
                        if let Some(draft) = Draft::load(&self.user()) {
                            self.apply(&draft);
                        }
                        self.follow_link();
                    }
                    let from = router::Query::parse(&router::location().query).get("from").to_owned();
                    if from.is_empty() {
                        self.restored.set(true);
                    } else {
                        self.fill_from(from);
                    }
                });
            }
        });
    }

    /// `?template=<id>` picks that template; what a draft has of the same template stays.
    fn follow_link(self) {
        let wanted = router::Query::parse(&router::location().query).get("template").to_owned();
        if wanted.is_empty() {
            return;
        }
        let pick = Pick::Template(wanted.clone());
        if self.form.pick.with(|picked| *picked == Some(pick.clone())) {
            return;
        }
        match self.template(&wanted) {
            Some(template) => self.form.choose(pick, Some(template)),
            None => self.gone.set(wanted),
        }
    }

    fn apply(self, draft: &Draft) {
        match &draft.pick {
            Some(Pick::Custom) => self.form.choose(Pick::Custom, None),
            Some(Pick::Template(id)) => match self.template(id) {
                Some(template) => self.form.choose(Pick::Template(id.clone()), Some(template)),
                None => self.gone.set(id.clone()),
            },
            None => {}
        }
        self.form.fill(draft);
        self.recall(draft.uploads.clone());
    }

    /// Looks up what was uploaded before.
    fn recall(self, wanted: Vec<String>) {
        if !wanted.is_empty() {
            spawn_local_scoped(async move {
                let answer = self.uploads.recall(&wanted).await;
                self.recall_problem.set(answer.err());
            });
        }
    }

    /// Writes the draft whenever something in it changes.
    fn keep_draft(self) {
        create_effect(move || {
            let begun = self.restored.get() || self.form.pick.with(Option::is_some);
            let draft = self.form.draft(self.user(), self.upload_ids());
            if !begun || !self.keeping.get() || draft.user.is_empty() {
                return;
            }
            if draft.is_empty() {
                Draft::forget();
            } else {
                draft.save();
            }
        });
    }

    /// Ids of all uploads of the list that the server knows; tracked.
    fn upload_ids(self) -> Vec<String> {
        self.uploads.items().with(|items| {
            items
                .iter()
                .filter_map(|item| {
                    // An id is there from the first answer on, which changes the progress as well.
                    item.progress().track();
                    item.upload_id()
                })
                .collect()
        })
    }

    fn finished_uploads(self) -> Vec<String> {
        untrack(|| {
            self.uploads.items().with(|items| {
                items
                    .iter()
                    .filter(|item| item.progress().with(crate::upload::Progress::is_done))
                    .filter_map(|item| item.upload_id())
                    .collect()
            })
        })
    }

    /// Marks the fields that the server refused.
    fn note_refused(self, error: Option<&ClientError>) {
        if let Some(ClientError::Problem(problem)) = error {
            self.form.refuse(problem);
        }
    }

    /// Begins anew; what was there can be brought back for a moment.
    fn discard(self) {
        let before = untrack(|| self.form.draft(self.user(), self.finished_uploads()));
        self.uploads.clear_done();
        self.form.clear();
        self.gone.set(String::new());
        router::replace("/jobs/new");
        let undo: Rc<dyn Fn()> = Rc::new(move || {
            before.save();
            if self.restored.is_alive() {
                self.apply(&before);
            }
        });
        toast_with_undo(Tone::Info, t().wizard.discarded(), move || undo());
    }

    /// The job is submitted: the draft has done its work.
    fn finish(self) {
        self.keeping.set(false);
        Draft::forget();
        self.uploads.clear_done();
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn no_step_is_shown_before_those_it_needs() {
        assert_eq!(Step::parse("review").at_most(false, true, true), Step::Template);
        assert_eq!(Step::parse("review").at_most(true, false, true), Step::Files);
        assert_eq!(Step::parse("review").at_most(true, true, false), Step::Settings);
        assert_eq!(Step::parse("review").at_most(true, true, true), Step::Review);
        assert_eq!(Step::parse("files").at_most(true, true, true), Step::Files);
        assert_eq!(Step::parse("nonsense"), Step::Template);
        for step in Step::ALL {
            assert_eq!(Step::parse(step.word()), step);
        }
    }
}
