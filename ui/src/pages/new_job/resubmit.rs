//! From an earlier job to a new one: `/jobs/new?from=<id>` fills the form with what that job asked for, or with its script
//! where nothing else is known.
use slurmdash_api::jobs::{HintsQuery, JobDetail, RunHints};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::draft::{Draft, Pick};
use super::{Step, Wizard};
use crate::client::ClientError;
use crate::client::data::Remote;
use crate::client::http::escape;
use crate::client::jobs::with_query;
use crate::client::refetch::Refetch;
use crate::components::{Banner, Tone, problem_words, toast_with_undo};
use crate::i18n::t;
use crate::router;

/// Shortest time between two questions for hints, milliseconds: names are typed.
const GAP_MS: f64 = 800.0;

/// What came of looking at the earlier job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Everything it asked for is filled in.
    Request(String),
    /// Only its script was known.
    Script(String),
    /// Neither was known.
    Nothing(String),
    /// It could not be looked up.
    Failed(String, ClientError),
}

impl Wizard {
    /// Fills the form from the job with this id, in place of the draft, which can be brought back for a moment.
    pub(super) fn fill_from(self, id: String) {
        let before = self.form.draft(self.user(), self.upload_ids());
        spawn_local_scoped(async move {
            let path = format!("/api/jobs/{}", escape(&id));
            let origin = match self.client.get::<JobDetail>(&path).await {
                Ok(detail) => self.take_over(detail, id),
                Err(ClientError::Aborted) => return,
                Err(error) => Origin::Failed(id, error),
            };
            let filled = matches!(origin, Origin::Request(_) | Origin::Script(_));
            self.origin.set(Some(origin));
            self.restored.set(true);
            let step = if filled { Step::Settings.word() } else { "" };
            router::set_query(&[("from", ""), ("step", step)]);
            if filled && !before.is_empty() {
                self.offer_back(before);
            }
        });
    }

    fn take_over(self, detail: JobDetail, id: String) -> Origin {
        let JobDetail { job, request, script, .. } = detail;
        let template =
            request.as_ref().and_then(|request| request.template_id.clone()).and_then(|id| self.template(&id));
        match (request, script) {
            (Some(request), script) => {
                let pick = match &template {
                    Some(template) => Pick::Template(template.id.clone()),
                    None => Pick::Custom,
                };
                let is_gone = template.is_none() && request.template_id.is_some();
                self.form.choose(pick, template);
                self.form.fill_request(&request);
                // Its template is gone: what was made of it then is still known.
                if is_gone && let Some(script) = script {
                    self.form.field("script").set(script);
                }
                self.recall(request.uploads);
                Origin::Request(id)
            }
            (None, Some(script)) => {
                self.form.choose(Pick::Custom, None);
                self.form.field("script").set(script);
                self.form.field("job_name").set(job.name);
                self.form.field("partition").set(job.partition);
                Origin::Script(id)
            }
            (None, None) => Origin::Nothing(id),
        }
    }

    fn offer_back(self, before: Draft) {
        toast_with_undo(Tone::Info, t().wizard.draft_replaced(), move || {
            before.save();
            if self.restored.is_alive() {
                self.origin.set(None);
                self.apply(&before);
            }
        });
    }

    /// What the last runs of the same kind needed; asked for when the settings are shown.
    pub(super) fn hints(self) -> ReadSignal<Option<RunHints>> {
        let hints = Remote::<RunHints>::new();
        let question = create_selector(move || {
            let name = Some(self.form.field("job_name").get_clone().trim().to_owned()).filter(|name| !name.is_empty());
            let template = self.form.template.with(|template| template.as_ref().map(|template| template.id.clone()));
            HintsQuery { name, template_id: template }
        });
        let read = Refetch::new(GAP_MS, move || {
            let path = with_query("/api/jobs/hints", &question.get_clone_untracked());
            // Without hints the form is as good as before.
            async move { hints.put(self.client.get(&path).await) }
        });
        create_effect(move || {
            if question.with(|question| question.name.is_some() || question.template_id.is_some()) {
                read.soon();
            }
        });
        hints.value()
    }
}

/// Says where the form's content comes from.
pub fn origin_banner(origin: ReadSignal<Option<Origin>>) -> View {
    view! {
        (match origin.get_clone() {
            None => view! {},
            Some(Origin::Request(id)) => view! {
                Banner(tone=Tone::Info, title=move || t().wizard.filled_from(&id)) { (|| t().wizard.filled_from_text()) }
            },
            Some(Origin::Script(id)) => view! {
                Banner(tone=Tone::Warning, title=move || t().wizard.filled_from(&id)) { (|| t().wizard.script_only_text()) }
            },
            Some(Origin::Nothing(id)) => {
                let text = id.clone();
                view! {
                    Banner(tone=Tone::Warning, title=move || t().wizard.not_filled_from(&id)) {
                        (t().wizard.nothing_known(&text))
                    }
                }
            }
            Some(Origin::Failed(id, error)) => view! {
                Banner(tone=Tone::Error, title=move || t().wizard.not_filled_from(&id)) { (problem_words(&error)) }
            },
        })
    }
}
