//! From the form to the request that it makes, and from an earlier job's request to the form.
use std::collections::BTreeMap;

use slurmdash_api::jobs::JobRequest;
use sycamore::prelude::*;

use super::check;
use super::draft::Pick;
use super::form::{FIRST_SCRIPT, Form};
use super::parameters::{parameter_value, text_of};

impl Form {
    /// The request that the form makes. Call only when nothing is [`Form::wrong`]; what can't be read is left out.
    pub fn request(self, uploads: Vec<String>) -> JobRequest {
        untrack(|| {
            let text =
                |name: &str| Some(self.field(name).get_clone().trim().to_owned()).filter(|text| !text.is_empty());
            let count = |name: &str| check::count(&self.field(name).get_clone(), 0).ok().flatten();
            let pick = self.pick.get_clone();
            let memory = check::memory(&self.field("memory").get_clone()).ok().flatten();
            let per_cpu = self.field("memory_kind").get_clone() == "cpu";
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
                memory: memory.filter(|_| !per_cpu),
                memory_per_cpu: memory.filter(|_| per_cpu),
                gpus: count("gpus"),
                time: text("time"),
                account: text("account"),
                qos: text("qos"),
                tasks_per_node: count("tasks_per_node"),
                constraint: text("constraint"),
                reservation: text("reservation"),
                array: text("array").map(|array| match count("array_limit") {
                    Some(limit) => format!("{array}%{limit}"),
                    None => array,
                }),
                dependency: text("dependency"),
                begin: text("begin"),
                mail_type: text("mail_type"),
                mail_user: text("mail_user").filter(|_| text("mail_type").is_some()),
                work_dir: text("work_dir"),
                output: text("output"),
                error: text("error"),
                environment: self.variables(),
                script: (pick == Some(Pick::Custom)).then(|| self.field("script").get_clone()),
                uploads,
                parameters,
                command: None,
                image: text("image"),
            }
        })
    }

    /// The environment variables that have a name.
    fn variables(self) -> BTreeMap<String, String> {
        let variables = self.environment.get_clone().into_iter();
        let pairs = variables.map(|variable| (variable.name.get_clone().trim().to_owned(), variable.value.get_clone()));
        pairs.filter(|(name, _)| !name.is_empty()).collect()
    }

    /// Fills in what an earlier job asked for. The pick and its template must be [chosen](Form::choose) already.
    pub fn fill_request(self, request: &JobRequest) {
        let count = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let array = text(&request.array);
        let (array, limit) = array.split_once('%').unwrap_or((&array, ""));
        let memory = request.memory.or(request.memory_per_cpu).map(check::write_memory).unwrap_or_default();
        let kind = if request.memory_per_cpu.is_some() { "cpu" } else { "" };
        let values = [
            ("job_name", request.job_name.clone()),
            ("partition", text(&request.partition)),
            ("nodes", count(request.nodes)),
            ("tasks", count(request.tasks)),
            ("cpus_per_task", count(request.cpus_per_task)),
            ("memory", memory),
            ("memory_kind", kind.to_owned()),
            ("gpus", count(request.gpus)),
            ("time", text(&request.time)),
            ("account", text(&request.account)),
            ("qos", text(&request.qos)),
            ("tasks_per_node", count(request.tasks_per_node)),
            ("constraint", text(&request.constraint)),
            ("reservation", text(&request.reservation)),
            ("array", array.to_owned()),
            ("array_limit", limit.to_owned()),
            ("dependency", text(&request.dependency)),
            ("begin", text(&request.begin)),
            ("mail_type", text(&request.mail_type)),
            ("mail_user", text(&request.mail_user)),
            ("work_dir", text(&request.work_dir)),
            ("image", text(&request.image)),
            ("output", text(&request.output)),
            ("error", text(&request.error)),
        ];
        batch(|| {
            for (name, value) in values {
                self.field(name).set(value);
            }
            if let Some(script) = script_of(request) {
                self.field("script").set(script);
            }
            self.set_environment(request.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
            for parameter in self.parameters.get_clone_untracked() {
                if let Some(value) = request.parameters.get(&parameter.about.name) {
                    parameter.value.set(text_of(value));
                }
            }
        });
    }
}

/// The script of a request that names no template.
fn script_of(request: &JobRequest) -> Option<String> {
    let script = request.script.clone();
    script.or_else(|| request.command.as_ref().map(|command| format!("{FIRST_SCRIPT}{command}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_asked_for_is_asked_for_again() {
        let root = create_root(|| {
            let request = JobRequest {
                job_name: "sweep".into(),
                nodes: Some(2),
                memory_per_cpu: Some(2048),
                time: Some("1:00:00".into()),
                array: Some("0-9%2".into()),
                environment: [("A".to_owned(), "x y".to_owned())].into(),
                script: Some("#!/bin/sh\ntrue\n".into()),
                mail_type: Some("END,FAIL".into()),
                mail_user: Some("ada@example.org".into()),
                work_dir: Some("/scratch/ada".into()),
                image: Some("/images/solver.sif".into()),
                ..JobRequest::default()
            };
            let form = Form::new();
            form.choose(Pick::Custom, None);
            form.fill_request(&request);
            assert!(form.wrong(None).is_empty());
            assert_eq!(form.request(Vec::new()), request);
            form.field("array_limit").set(String::new());
            form.field("memory_kind").set(String::new());
            let changed = form.request(Vec::new());
            assert_eq!((changed.array.as_deref(), changed.memory), (Some("0-9"), Some(2048)));
        });
        root.dispose();
    }

    #[test]
    fn a_command_becomes_a_script() {
        let request = JobRequest { command: Some("hostname".into()), ..JobRequest::default() };
        assert_eq!(script_of(&request).as_deref(), Some("#!/bin/bash\nhostname\n"));
    }
}
