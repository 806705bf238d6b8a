//! The wizard's form: what was picked and filled in, what is wrong with it, and the request it makes.
use std::collections::BTreeMap;

use slurmdash_api::Problem;
use slurmdash_api::cluster::Partition;
use slurmdash_api::jobs::{JobRequest, ParameterValue};
use slurmdash_api::templates::{ParameterKind, Template, TemplateParameter};
use sycamore::prelude::*;
use sycamore::reactive::NodeHandle;

use super::check;
use super::draft::{Draft, Pick};
use crate::i18n::{format, t};

/// What a custom job's script begins with.
const FIRST_SCRIPT: &str = "#!/bin/bash\n";
/// The fields that every job has, by their names in the request.
const FIELDS: [&str; 9] =
    ["job_name", "partition", "nodes", "tasks", "cpus_per_task", "memory", "gpus", "time", "script"];

/// A parameter of the template, and what is filled in.
#[derive(Clone)]
pub struct Parameter {
    /// What the template says of it.
    pub about: TemplateParameter,
    /// Its text; `true` and `false` for a box to tick.
    pub value: Signal<String>,
}

impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        self.about == other.about
    }
}

/// What is wrong with which field.
pub type Wrong = BTreeMap<String, String>;

/// The form; copies are the same one.
#[derive(Clone, Copy)]
pub struct Form {
    /// What to run.
    pub pick: Signal<Option<Pick>>,
    /// The template that is picked.
    pub template: Signal<Option<Template>>,
    /// The template's parameters.
    pub parameters: Signal<Vec<Parameter>>,
    /// Every mistake is shown, also in fields nobody has touched.
    pub show_all: Signal<bool>,
    fields: Signal<[Signal<String>; 9]>,
    /// What the server refused: the text it refused, and why.
    refused: Signal<BTreeMap<String, (String, String)>>,
    scope: Signal<Option<NodeHandle>>,
}

impl Form {
    /// An empty form that lives as long as the current scope.
    pub fn new() -> Self {
        Self {
            pick: create_signal(None),
            template: create_signal(None),
            parameters: create_signal(Vec::new()),
            show_all: create_signal(false),
            fields: create_signal(FIELDS.map(|_| create_signal(String::new()))),
            refused: create_signal(BTreeMap::new()),
            scope: create_signal(Some(use_current_scope())),
        }
    }

    /// The text of one of [`FIELDS`].
    pub fn field(self, name: &str) -> Signal<String> {
        let place = FIELDS.iter().position(|known| *known == name).unwrap_or_default();
        self.fields.get_untracked()[place]
    }

    /// Picks what to run and fills in what it suggests. What was filled in for another pick is replaced.
    pub fn choose(self, pick: Pick, template: Option<Template>) {
        batch(|| {
            let resources = template.as_ref().map(|template| template.resources.clone()).unwrap_or_default();
            let text = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
            let name = template
                .as_ref()
                .map_or_else(|| "custom-job".to_owned(), |template| check::suggest_name(&template.name));
            let values = [
                ("job_name", name),
                ("partition", resources.partition.unwrap_or_default()),
                ("nodes", text(resources.nodes.or(Some(1)))),
                ("tasks", text(resources.tasks)),
                ("cpus_per_task", text(resources.cpus_per_task)),
                ("memory", resources.memory.map(check::write_memory).unwrap_or_default()),
                ("gpus", text(resources.gpus)),
                ("time", resources.time.unwrap_or_default()),
                ("script", FIRST_SCRIPT.to_owned()),
            ];
            for (field, value) in values {
                self.field(field).set(value);
            }
            self.parameters.set(self.parameters_of(template.as_ref()));
            self.template.set(template);
            self.pick.set(Some(pick));
            self.show_all.set(false);
            self.refused.set(BTreeMap::new());
        });
    }

    fn parameters_of(self, template: Option<&Template>) -> Vec<Parameter> {
        let Some(scope) = self.scope.get_untracked() else {
            return Vec::new();
        };
        template
            .iter()
            .flat_map(|template| template.parameters.clone())
            .map(|about| {
                let first = first_text(&about);
                // A card's handler ends with its card; these live as long as the form.
                let value = scope.run_in(|| create_signal(first));
                Parameter { about, value }
            })
            .collect()
    }

    /// Nothing is picked any more.
    pub fn clear(self) {
        batch(|| {
            self.pick.set(None);
            self.template.set(None);
            self.parameters.set(Vec::new());
            self.show_all.set(false);
        });
    }

    /// Takes over the texts of a draft.
    pub fn fill(self, draft: &Draft) {
        batch(|| {
            for name in FIELDS {
                if let Some(value) = draft.fields.get(name) {
                    self.field(name).set(value.clone());
                }
            }
            for parameter in self.parameters.get_clone_untracked() {
                if let Some(value) = draft.fields.get(&key_of(&parameter.about)) {
                    parameter.value.set(value.clone());
                }
            }
        });
    }

    /// The form as a draft of `user`; tracked.
    pub fn draft(self, user: String, uploads: Vec<String>) -> Draft {
        let mut fields: BTreeMap<String, String> =
            FIELDS.iter().map(|name| ((*name).to_owned(), self.field(name).get_clone())).collect();
        for parameter in self.parameters.get_clone() {
            fields.insert(key_of(&parameter.about), parameter.value.get_clone());
        }
        Draft { user, pick: self.pick.get_clone(), fields, uploads }
    }

    /// The texts as they are now, by field.
    fn text_of(self, name: &str) -> Option<String> {
        if FIELDS.contains(&name) {
            return Some(self.field(name).get_clone());
        }
        self.parameters
            .get_clone()
            .iter()
            .find(|parameter| key_of(&parameter.about) == name)
            .map(|parameter| parameter.value.get_clone())
    }

    /// Remembers which fields the server refused. True when one of them is a field of this form.
    pub fn refuse(self, problem: &Problem) -> bool {
        let refused: BTreeMap<String, (String, String)> = untrack(|| {
            problem
                .fields
                .iter()
                .filter_map(|field| {
                    let text = self.text_of(&field.field)?;
                    Some((field.field.clone(), (text, field.message.clone())))
                })
                .collect()
        });
        let any = !refused.is_empty();
        self.refused.set(refused);
        any
    }

    /// What is wrong with a field, to be shown beside it: a mistake in what was typed, or what the server said of
    /// exactly this text. Empty fields are not nagged about until the person wants to go on.
    pub fn error(self, name: &str, wrong: &Wrong) -> String {
        let text = self.text_of(name).unwrap_or_default();
        if let Some(message) = wrong.get(name) {
            let show = self.show_all.get() || !text.trim().is_empty();
            return if show { message.clone() } else { String::new() };
        }
        self.refused.with(|refused| match refused.get(name) {
            Some((refused, message)) if *refused == text => message.clone(),
            _ => String::new(),
        })
    }

    /// Everything that is wrong by our own rules; tracked. `partition` is the one the job would go to.
    pub fn wrong(self, partition: Option<&Partition>) -> Wrong {
        let mut wrong = Wrong::new();
        let words = t().wizard;
        let mut note = |name: &str, message: String| {
            wrong.insert(name.to_owned(), message);
        };
        let text = |name: &str| self.field(name).get_clone();
        if !check::is_job_name(&text("job_name")) {
            note("job_name", words.wrong_name());
        }
        let most = |value: u32, limit: Option<u32>| limit.filter(|limit| value > *limit);
        let too_many = |limit: u32| words.wrong_too_many(&limit.to_string());
        let node_count = partition.and_then(|partition| u32::try_from(partition.nodes.len()).ok());
        let counts = [
            ("nodes", 1, node_count),
            ("tasks", 1, partition.map(|partition| partition.cpus)),
            ("cpus_per_task", 1, partition.map(|partition| partition.max_cpus_per_node)),
            ("gpus", 0, partition.map(|partition| partition.max_gpus_per_node)),
        ];
        for (name, least, limit) in counts {
            match check::count(&text(name), least) {
                Err(()) if least == 0 => note(name, words.wrong_gpus()),
                Err(()) => note(name, words.wrong_count()),
                Ok(value) => {
                    if let Some(limit) = value.and_then(|value| most(value, limit)) {
                        note(name, too_many(limit));
                    }
                }
            }
        }
        match check::memory(&text("memory")) {
            Err(()) => note("memory", words.wrong_memory()),
            Ok(Some(value)) => {
                if let Some(partition) = partition.filter(|partition| value > partition.max_memory_per_node) {
                    note("memory", words.wrong_too_many(&format::memory(partition.max_memory_per_node)));
                }
            }
            Ok(None) => {}
        }
        let time = text("time");
        if !time.trim().is_empty() {
            match (check::time_seconds(&time), partition.and_then(|partition| partition.max_time)) {
                (None, _) => note("time", words.wrong_time()),
                (Some(seconds), Some(limit)) if seconds > limit => {
                    note("time", words.wrong_too_many(&format::duration(limit)));
                }
                _ => {}
            }
        }
        if self.pick.get_clone() == Some(Pick::Custom) {
            let script = text("script");
            if script.trim().is_empty() || script.trim() == FIRST_SCRIPT.trim() {
                note("script", words.wrong_script());
            } else if !script.starts_with("#!") {
                note("script", words.wrong_script_start());
            }
        }
        for parameter in self.parameters.get_clone() {
            if let Err(message) = parameter_value(&parameter.about, &parameter.value.get_clone()) {
                note(&key_of(&parameter.about), message);
            }
        }
        wrong
    }

    /// The request that the form makes. Call only when nothing is [`Form::wrong`]; what can't be read is left out.
    pub fn request(self, uploads: Vec<String>) -> JobRequest {
        untrack(|| {
            let text =
                |name: &str| Some(self.field(name).get_clone().trim().to_owned()).filter(|text| !text.is_empty());
            let count = |name: &str| check::count(&self.field(name).get_clone(), 0).ok().flatten();
            let pick = self.pick.get_clone();
            let parameters = self
                .parameters
                .get_clone()
                .into_iter()
                .filter_map(|parameter| {
                    let value = parameter_value(&parameter.about, &parameter.value.get_clone()).ok()??;
                    Some((parameter.about.name, value))
                })
                .collect();
            JobRequest {
                template_id: match &pick {
                    Some(Pick::Template(id)) => Some(id.clone()),
                    _ => None,
                },
                job_name: text("job_name").unwrap_or_default(),
                partition: text("partition"),
                nodes: count("nodes"),
                tasks: count("tasks"),
                cpus_per_task: count("cpus_per_task"),
                memory: check::memory(&self.field("memory").get_clone()).ok().flatten(),
                gpus: count("gpus"),
                time: text("time"),
                script: (pick == Some(Pick::Custom)).then(|| self.field("script").get_clone()),
                uploads,
                parameters,
                ..JobRequest::default()
            }
        })
    }
}

/// A parameter's name in drafts and in the server's answers.
pub fn key_of(about: &TemplateParameter) -> String {
    format!("parameters.{}", about.name)
}

fn first_text(about: &TemplateParameter) -> String {
    match &about.default {
        Some(ParameterValue::Bool(value)) => value.to_string(),
        Some(ParameterValue::Integer(value)) => value.to_string(),
        Some(ParameterValue::Number(value)) => value.to_string(),
        Some(ParameterValue::Text(value)) => value.clone(),
        None => match about.kind {
            ParameterKind::Boolean => "false".to_owned(),
            ParameterKind::Choice => about.choices.first().cloned().unwrap_or_default(),
            _ => String::new(),
        },
    }
}

/// Reads a parameter's text. `Ok(None)` leaves it to the template's default.
fn parameter_value(about: &TemplateParameter, text: &str) -> Result<Option<ParameterValue>, String> {
    let words = t().wizard;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return if about.default.is_some() { Ok(None) } else { Err(words.wrong_required()) };
    }
    let in_range = |value: f64| {
        let fits = about.min.is_none_or(|min| value >= min) && about.max.is_none_or(|max| value <= max);
        if fits { Ok(()) } else { Err(range_words(about)) }
    };
    Ok(Some(match about.kind {
        ParameterKind::Text => ParameterValue::Text(text.to_owned()),
        ParameterKind::Choice => ParameterValue::Text(trimmed.to_owned()),
        ParameterKind::Boolean => ParameterValue::Bool(trimmed == "true"),
        ParameterKind::Integer => {
            let value: i64 = trimmed.parse().map_err(|_| words.wrong_integer())?;
            #[expect(clippy::cast_precision_loss, reason = "limits of parameters are small numbers")]
            in_range(value as f64)?;
            ParameterValue::Integer(value)
        }
        ParameterKind::Number => {
            let value: f64 = trimmed.parse().map_err(|_| words.wrong_number())?;
            if !value.is_finite() {
                return Err(words.wrong_number());
            }
            in_range(value)?;
            ParameterValue::Number(value)
        }
    }))
}

/// The limits of a parameter, in words; empty when it has none.
pub fn range_words(about: &TemplateParameter) -> String {
    let words = t().wizard;
    match (about.min, about.max) {
        (Some(min), Some(max)) => words.between(&min.to_string(), &max.to_string()),
        (Some(min), None) => words.at_least(&min.to_string()),
        (None, Some(max)) => words.at_most(&max.to_string()),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(kind: ParameterKind, default: Option<ParameterValue>) -> TemplateParameter {
        TemplateParameter {
            name: "epochs".into(),
            label: "Epochs".into(),
            kind,
            help: None,
            default,
            min: Some(1.0),
            max: Some(10.0),
            choices: vec!["a".into(), "b".into()],
        }
    }

    #[test]
    fn parameters_are_read_by_their_kind() {
        let integer = parameter(ParameterKind::Integer, None);
        assert_eq!(parameter_value(&integer, " 3 "), Ok(Some(ParameterValue::Integer(3))));
        for wrong in ["", "0", "11", "1.5", "x"] {
            assert!(parameter_value(&integer, wrong).is_err(), "{wrong}");
        }
        let number = parameter(ParameterKind::Number, Some(ParameterValue::Number(2.0)));
        assert_eq!(parameter_value(&number, "2.5"), Ok(Some(ParameterValue::Number(2.5))));
        assert_eq!(parameter_value(&number, ""), Ok(None), "the default stands in");
        assert!(parameter_value(&number, "inf").is_err());
        assert_eq!(first_text(&number), "2");
        assert_eq!(first_text(&parameter(ParameterKind::Choice, None)), "a");
        assert_eq!(first_text(&parameter(ParameterKind::Boolean, None)), "false");
        assert_eq!(range_words(&integer), "1 to 10.");
    }

    fn template() -> Template {
        Template {
            id: "pytorch".into(),
            name: "PyTorch Training".into(),
            description: String::new(),
            category: "ml".into(),
            is_public: true,
            resources: slurmdash_api::templates::TemplateResources {
                nodes: Some(2),
                memory: Some(8192),
                time: Some("1:00:00".into()),
                ..Default::default()
            },
            parameters: vec![parameter(ParameterKind::Integer, Some(ParameterValue::Integer(5)))],
            files: Vec::new(),
            script: String::new(),
        }
    }

    fn in_scope(test: impl FnOnce() + 'static) {
        let root = create_root(test);
        root.dispose();
    }

    #[test]
    fn a_template_fills_the_form_and_makes_a_request() {
        in_scope(|| {
            let form = Form::new();
            form.choose(Pick::Template("pytorch".into()), Some(template()));
            assert!(form.wrong(None).is_empty());
            form.field("nodes").set("3".into());
            form.parameters.get_clone()[0].value.set("7".into());
            let request = form.request(vec!["u1".into()]);
            assert_eq!(request.template_id.as_deref(), Some("pytorch"));
            assert_eq!(request.job_name, "pytorch-training");
            assert_eq!((request.nodes, request.memory), (Some(3), Some(8192)));
            assert_eq!(request.parameters["epochs"], ParameterValue::Integer(7));
            assert_eq!((request.script, request.uploads), (None, vec!["u1".to_owned()]));
        });
    }

    #[test]
    fn drafts_bring_everything_back() {
        in_scope(|| {
            let form = Form::new();
            form.choose(Pick::Template("pytorch".into()), Some(template()));
            form.field("nodes").set("4".into());
            form.parameters.get_clone()[0].value.set("9".into());
            let draft = form.draft("ada".into(), vec!["u".into()]);
            let other = Form::new();
            other.choose(Pick::Template("pytorch".into()), Some(template()));
            other.fill(&draft);
            assert_eq!(other.draft("ada".into(), vec!["u".into()]), draft);
        });
    }

    #[test]
    fn mistakes_are_shown_when_it_is_time() {
        in_scope(|| {
            let form = Form::new();
            form.choose(Pick::Custom, None);
            form.field("job_name").set(String::new());
            form.field("nodes").set("0".into());
            let wrong = form.wrong(None);
            assert!(wrong.contains_key("script") && wrong.contains_key("job_name"));
            assert_eq!(form.error("job_name", &wrong), "", "not touched yet");
            assert_ne!(form.error("nodes", &wrong), "");
            form.show_all.set(true);
            assert_ne!(form.error("job_name", &wrong), "");
        });
    }

    #[test]
    fn what_the_server_refused_is_shown_until_it_changes() {
        in_scope(|| {
            let form = Form::new();
            form.choose(Pick::Template("pytorch".into()), Some(template()));
            let problem: Problem = serde_json::from_str(
                r#"{"type":"","title":"","status":400,"detail":"","code":"","request_id":"","error":"",
                "fields":[{"field":"parameters.epochs","message":"too many"},{"field":"image","message":"no"}]}"#,
            )
            .expect("a problem");
            assert!(form.refuse(&problem));
            let wrong = form.wrong(None);
            assert_eq!(form.error("parameters.epochs", &wrong), "too many");
            form.parameters.get_clone()[0].value.set("4".into());
            assert_eq!(form.error("parameters.epochs", &form.wrong(None)), "");
        });
    }
}
