//! The wizard's form: what was picked and filled in. What is wrong with it is in `judge`, the request in `request`.
use std::collections::BTreeMap;

use slurmdash_api::Problem;
use slurmdash_api::templates::{Template, TemplateParameter};
use sycamore::prelude::*;
use sycamore::reactive::NodeHandle;

use super::check;
use super::draft::{Draft, Pick};
use super::parameters::{first_text, key_of};

/// What a custom job's script begins with.
pub const FIRST_SCRIPT: &str = "#!/bin/bash\n";
/// The fields that every job has, by their names in the request. `memory_kind` says what `memory` is for, `array_limit`
/// is part of `array`.
const FIELDS: [&str; 25] = [
    "job_name",
    "partition",
    "nodes",
    "tasks",
    "cpus_per_task",
    "memory",
    "memory_kind",
    "gpus",
    "time",
    "script",
    "account",
    "qos",
    "tasks_per_node",
    "constraint",
    "reservation",
    "array",
    "array_limit",
    "dependency",
    "begin",
    "mail_type",
    "mail_user",
    "work_dir",
    "image",
    "output",
    "error",
];
/// The environment in a draft: pairs of name and value, as JSON.
const ENVIRONMENT: &str = "environment";

/// An environment variable for the job.
#[derive(Clone, Copy)]
pub struct Variable {
    /// What tells it from the others while its name changes.
    pub id: usize,
    /// Its name.
    pub name: Signal<String>,
    /// Its value.
    pub value: Signal<String>,
}

impl Variable {
    /// Its name among the mistakes.
    pub fn key(&self) -> String {
        format!("variable {}", self.id)
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

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
    /// Environment variables for the job.
    pub environment: Signal<Vec<Variable>>,
    fields: Signal<[Signal<String>; FIELDS.len()]>,
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
            environment: create_signal(Vec::new()),
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
            for name in FIELDS {
                self.field(name).set(String::new());
            }
            for (field, value) in values {
                self.field(field).set(value);
            }
            self.parameters.set(self.parameters_of(template.as_ref()));
            self.environment.set(Vec::new());
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

    /// Puts a variable under those that are there.
    pub fn add_variable(self, name: String, value: String) {
        let Some(scope) = self.scope.get_untracked() else { return };
        let id = self.environment.with_untracked(|all| all.iter().map(|variable| variable.id + 1).max().unwrap_or(0));
        // As with parameters: the button that adds one may go before it.
        let (name, value) = scope.run_in(|| (create_signal(name), create_signal(value)));
        self.environment.update(|all| all.push(Variable { id, name, value }));
    }

    /// Takes a variable away.
    pub fn remove_variable(self, id: usize) {
        self.environment.update(|all| all.retain(|variable| variable.id != id));
    }

    /// Sets all variables anew.
    pub fn set_environment(self, variables: impl Iterator<Item = (String, String)>) {
        self.environment.set(Vec::new());
        for (name, value) in variables {
            self.add_variable(name, value);
        }
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
            let variables = draft.fields.get(ENVIRONMENT).and_then(|text| serde_json::from_str(text).ok());
            self.set_environment(Vec::<(String, String)>::into_iter(variables.unwrap_or_default()));
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
        let variables: Vec<(String, String)> = self
            .environment
            .get_clone()
            .iter()
            .map(|variable| (variable.name.get_clone(), variable.value.get_clone()))
            .collect();
        if !variables.is_empty() {
            fields.insert(ENVIRONMENT.to_owned(), serde_json::to_string(&variables).unwrap_or_default());
        }
        Draft { user, pick: self.pick.get_clone(), fields, uploads }
    }

    /// The texts as they are now, by field.
    fn text_of(self, name: &str) -> Option<String> {
        if FIELDS.contains(&name) {
            return Some(self.field(name).get_clone());
        }
        if let Some(variable) = self.environment.get_clone().iter().find(|variable| variable.key() == name) {
            return Some(format!("{}={}", variable.name.get_clone(), variable.value.get_clone()));
        }
        self.parameters
            .get_clone()
            .iter()
            .find(|parameter| key_of(&parameter.about) == name)
            .map(|parameter| parameter.value.get_clone())
    }

    /// The field of this form at which a problem of the request's field is shown.
    fn shown_at(self, field: &str) -> String {
        let variable = field.strip_prefix("environment.").and_then(|name| {
            self.environment.get_clone().into_iter().find(|variable| variable.name.get_clone().trim() == name)
        });
        match (variable, field) {
            (Some(variable), _) => variable.key(),
            (None, "memory_per_cpu") => "memory".to_owned(),
            (None, other) => other.to_owned(),
        }
    }

    /// Remembers which fields the server refused. True when one of them is a field of this form.
    pub fn refuse(self, problem: &Problem) -> bool {
        let refused: BTreeMap<String, (String, String)> = untrack(|| {
            problem
                .fields
                .iter()
                .filter_map(|field| {
                    let name = self.shown_at(&field.field);
                    let text = self.text_of(&name)?;
                    Some((name, (text, field.message.clone())))
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
}

#[cfg(test)]
mod tests {
    use slurmdash_api::jobs::ParameterValue;
    use slurmdash_api::templates::ParameterKind;

    use super::*;

    fn epochs() -> TemplateParameter {
        TemplateParameter {
            name: "epochs".into(),
            label: "Epochs".into(),
            kind: ParameterKind::Integer,
            help: None,
            default: Some(ParameterValue::Integer(5)),
            min: Some(1.0),
            max: Some(10.0),
            choices: Vec::new(),
        }
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
            parameters: vec![epochs()],
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
            form.add_variable("OMP_NUM_THREADS".into(), "4".into());
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
                "fields":[{"field":"parameters.epochs","message":"too many"},{"field":"color","message":"no"},
                {"field":"environment.A-B","message":"not a name"},{"field":"memory_per_cpu","message":"too much"}]}"#,
            )
            .expect("a problem");
            form.add_variable("A-B".into(), "1".into());
            assert!(form.refuse(&problem));
            let of_memory = form.error("memory", &Wrong::new());
            assert_eq!(
                (of_memory.as_str(), form.error("variable 0", &Wrong::new()).as_str()),
                ("too much", "not a name")
            );
            let wrong = form.wrong(None);
            assert_eq!(form.error("parameters.epochs", &wrong), "too many");
            form.parameters.get_clone()[0].value.set("4".into());
            assert_eq!(form.error("parameters.epochs", &form.wrong(None)), "");
        });
    }
}
