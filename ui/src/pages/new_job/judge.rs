//! What is wrong with what was filled in, by our own rules; the server and Slurm have theirs.
use std::collections::BTreeSet;

use slurmdash_api::cluster::Partition;

use super::check;
use super::draft::Pick;
use super::form::{FIRST_SCRIPT, Form, Wrong};
use super::parameters::{key_of, parameter_value};
use crate::i18n::{format, t};

impl Form {
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
            ("tasks_per_node", 1, partition.map(|partition| partition.max_cpus_per_node)),
            ("array_limit", 1, None),
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
        self.judge_script(&mut wrong);
        self.judge_paths(&mut wrong);
        self.judge_environment(&mut wrong);
        for parameter in self.parameters.get_clone() {
            if let Err(message) = parameter_value(&parameter.about, &parameter.value.get_clone()) {
                wrong.insert(key_of(&parameter.about), message);
            }
        }
        wrong
    }

    fn judge_script(self, wrong: &mut Wrong) {
        if self.pick.get_clone() != Some(Pick::Custom) {
            return;
        }
        let script = self.field("script").get_clone();
        if script.trim().is_empty() || script.trim() == FIRST_SCRIPT.trim() {
            wrong.insert("script".into(), t().wizard.wrong_script());
        } else if !script.starts_with("#!") {
            wrong.insert("script".into(), t().wizard.wrong_script_start());
        }
    }

    fn judge_paths(self, wrong: &mut Wrong) {
        let array = self.field("array").get_clone();
        if !array.trim().is_empty() && !check::is_array(&array) {
            wrong.insert("array".into(), t().wizard.wrong_array());
        }
        let folder = self.field("work_dir").get_clone();
        if !folder.trim().is_empty() && !folder.trim().starts_with('/') {
            wrong.insert("work_dir".into(), t().wizard.wrong_path());
        }
    }

    fn judge_environment(self, wrong: &mut Wrong) {
        let mut seen = BTreeSet::new();
        for variable in self.environment.get_clone() {
            let (name, value) = (variable.name.get_clone(), variable.value.get_clone());
            let name = name.trim();
            if name.is_empty() && value.is_empty() {
                continue;
            }
            if !check::is_variable(name) {
                wrong.insert(variable.key(), t().wizard.wrong_variable());
            } else if !seen.insert(name.to_owned()) {
                wrong.insert(variable.key(), t().wizard.wrong_twice());
            }
        }
    }
}
