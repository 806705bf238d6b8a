//! The settings step: name, partition, resources, time, the template's parameters, and the script of a custom job.
use slurmdash_api::cluster::{ClusterSummary, Partition};
use slurmdash_api::jobs::RunHints;
use slurmdash_api::templates::{ParameterKind, TemplateParameter};
use sycamore::prelude::*;

use super::draft::Pick;
use super::form::{Form, Parameter, Wrong};
use super::more::MoreSettings;
use super::parameters::{key_of, range_words};
use super::script::script_editor;
use crate::components::{Checkbox, Choice, Select, TextInput};
use crate::i18n::{format, t};

/// The partition that the job would go to: the one chosen, or the default one.
pub fn partition_of(form: Form, cluster: ReadSignal<Option<ClusterSummary>>) -> Option<Partition> {
    let chosen = form.field("partition").get_clone();
    cluster.with(|cluster| {
        let partitions = &cluster.as_ref()?.partitions;
        partitions
            .iter()
            .find(|partition| if chosen.is_empty() { partition.is_default } else { partition.name == chosen })
            .cloned()
    })
}

/// The step.
#[component(inline_props)]
pub fn SettingsStep(
    form: Form,
    cluster: ReadSignal<Option<ClusterSummary>>,
    wrong: ReadSignal<Wrong>,
    hints: ReadSignal<Option<RunHints>>,
) -> View {
    let custom = create_selector(move || form.pick.with(|pick| *pick == Some(Pick::Custom)));
    let partition = create_memo(move || partition_of(form, cluster));
    let up_to = move |limit: fn(&Partition) -> String| {
        move || {
            partition.with(|partition| {
                partition
                    .as_ref()
                    .map(limit)
                    .filter(|limit| !limit.is_empty())
                    .map(|limit| t().wizard.up_to(&limit))
                    .unwrap_or_default()
            })
        }
    };
    let error = move |name: &'static str| move || wrong.with(|wrong| form.error(name, wrong));
    let nodes_limit = up_to(|partition| format::count(partition.nodes.len()));
    let cpus_limit = up_to(|partition| partition.max_cpus_per_node.to_string());
    let gpus_limit = up_to(|partition| match partition.max_gpus_per_node {
        0 => String::new(),
        most => most.to_string(),
    });
    let no_gpus = create_selector(move || {
        partition.with(|partition| partition.as_ref().is_some_and(|partition| partition.max_gpus_per_node == 0))
    });
    let gpus_help = move || {
        let (none, limit) = (no_gpus.get(), gpus_limit());
        if none { t().wizard.no_gpus() } else { limit }
    };
    let memory_limit = up_to(|partition| format::memory(partition.max_memory_per_node));
    let time_limit = up_to(|partition| partition.max_time.map(format::duration).unwrap_or_default());
    let per_cpu = create_selector(move || form.field("memory_kind").with(|kind| kind == "cpu"));
    let memory_label = move || if per_cpu.get() { t().wizard.memory_cpu() } else { t().wizard.memory() };
    let memory_help = joined_with_hint(|| t().wizard.memory_help(), memory_limit, hints, memory_hint);
    let time_help = joined_with_hint(|| t().wizard.time_help(), time_limit, hints, time_hint);
    view! {
        h2(class="step-title", tabindex="-1") { (|| t().wizard.how()) }
        fieldset(class="form-group") {
            legend { (|| t().wizard.job()) }
            TextInput(
                name="job_name",
                label=move || t().wizard.job_name(),
                value=form.field("job_name"),
                error=error("job_name"),
                autocomplete="off",
                maxlength="128"
            )
            (partition_select(form, cluster, wrong))
        }
        fieldset(class="form-group form-grid") {
            legend { (|| t().wizard.resources()) }
            TextInput(name="nodes", label=move || t().wizard.nodes(), value=form.field("nodes"),
                help=nodes_limit, error=error("nodes"), inputmode="numeric", autocomplete="off")
            TextInput(name="tasks", label=move || t().wizard.tasks(), value=form.field("tasks"), optional=true,
                help=move || t().wizard.tasks_help(), error=error("tasks"), inputmode="numeric", autocomplete="off")
            TextInput(name="cpus_per_task", label=move || t().wizard.cpus(), value=form.field("cpus_per_task"), optional=true,
                help=cpus_limit, error=error("cpus_per_task"), inputmode="numeric", autocomplete="off")
            TextInput(name="memory", label=memory_label, value=form.field("memory"), optional=true,
                help=memory_help, error=error("memory"), autocomplete="off")
            TextInput(name="gpus", label=move || t().wizard.gpus(), value=form.field("gpus"), optional=true,
                help=gpus_help, error=error("gpus"), inputmode="numeric", autocomplete="off")
            TextInput(name="time", label=move || t().wizard.time(), value=form.field("time"), optional=true,
                help=time_help, error=error("time"), autocomplete="off")
        }
        (parameters(form, wrong))
        (if custom.get() { script_editor(form, wrong) } else { view! {} })
        MoreSettings(form=form, wrong=wrong)
    }
}

/// Help, the partition's limit, and what earlier runs needed, in one line.
fn joined_with_hint(
    help: fn() -> String,
    limit: impl Fn() -> String + 'static,
    hints: ReadSignal<Option<RunHints>>,
    hint: fn(&RunHints) -> String,
) -> impl Fn() -> String + 'static {
    move || {
        let hint = hints.with(|hints| hints.as_ref().map(hint).unwrap_or_default());
        let parts = [help(), limit(), hint];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

fn memory_hint(hints: &RunHints) -> String {
    let Some(peak) = hints.memory_peak.map(format::memory) else { return String::new() };
    match hints.runs {
        0 => String::new(),
        1 => t().wizard.hint_memory_one(&peak),
        runs => t().wizard.hint_memory(&runs.to_string(), &peak),
    }
}

fn time_hint(hints: &RunHints) -> String {
    let Some(elapsed) = hints.elapsed.map(format::duration) else { return String::new() };
    match hints.runs {
        0 => String::new(),
        1 => t().wizard.hint_time_one(&elapsed),
        runs => t().wizard.hint_time(&runs.to_string(), &elapsed),
    }
}

fn partition_select(form: Form, cluster: ReadSignal<Option<ClusterSummary>>, wrong: ReadSignal<Wrong>) -> View {
    let choices = create_memo(move || {
        let words = t().wizard;
        let mut choices = vec![Choice::new("", words.default_partition())];
        cluster.with(|cluster| {
            for partition in cluster.iter().flat_map(|cluster| &cluster.partitions) {
                let nodes = format::count(partition.nodes.len());
                let label = match partition.max_time {
                    _ if !partition.is_up => words.partition_down(&partition.name),
                    Some(time) => words.partition_choice(&partition.name, &nodes, &format::duration(time)),
                    None => words.partition_choice_unlimited(&partition.name, &nodes),
                };
                choices.push(Choice::new(partition.name.clone(), label));
            }
        });
        // A template may name a partition before the cluster is known.
        let chosen = form.field("partition").get_clone();
        if !choices.iter().any(|choice| choice.value == chosen) {
            choices.push(Choice::new(chosen.clone(), chosen));
        }
        choices
    });
    view! {
        Select(
            name="partition",
            label=move || t().wizard.partition(),
            value=form.field("partition"),
            choices=choices,
            error=move || wrong.with(|wrong| form.error("partition", wrong))
        )
    }
}

fn parameters(form: Form, wrong: ReadSignal<Wrong>) -> View {
    let list = create_selector(move || form.parameters.get_clone());
    View::from_dynamic(move || {
        let parameters = list.get_clone();
        if parameters.is_empty() {
            return View::new();
        }
        let fields: Vec<View> =
            parameters.into_iter().map(|parameter| parameter_field(form, parameter, wrong)).collect();
        view! {
            fieldset(class="form-group form-grid") {
                legend { (|| t().wizard.parameters()) }
                (fields)
            }
        }
    })
}

fn parameter_field(form: Form, parameter: Parameter, wrong: ReadSignal<Wrong>) -> View {
    let Parameter { about, value } = parameter;
    let key = key_of(&about);
    let error = move || wrong.with(|wrong| form.error(&key, wrong));
    let help = help_of(&about);
    let (name, label) = (about.name.clone(), about.label.clone());
    let optional = about.default.is_some();
    match about.kind {
        ParameterKind::Boolean => {
            let ticked = create_signal(value.with_untracked(|value| value == "true"));
            create_effect(move || {
                let text = ticked.get().to_string();
                if value.with_untracked(|value| *value != text) {
                    value.set(text);
                }
            });
            view! { Checkbox(name=name, label=label, value=ticked, help=help) }
        }
        ParameterKind::Choice => {
            let choices: Vec<Choice> =
                about.choices.iter().map(|choice| Choice::new(choice.clone(), choice.clone())).collect();
            let choices = create_signal(choices);
            view! { Select(name=name, label=label, value=value, choices=*choices, help=help, error=error) }
        }
        ParameterKind::Integer | ParameterKind::Number => {
            let mode = if about.kind == ParameterKind::Integer { "numeric" } else { "decimal" };
            view! {
                TextInput(name=name, label=label, value=value, help=help, error=error, optional=optional,
                    inputmode=mode, autocomplete="off")
            }
        }
        ParameterKind::Text => view! {
            TextInput(name=name, label=label, value=value, help=help, error=error, optional=optional, autocomplete="off")
        },
    }
}

fn help_of(about: &TemplateParameter) -> impl Fn() -> String + Clone + 'static {
    let about = about.clone();
    move || {
        let range = range_words(&about);
        let help = about.help.clone().unwrap_or_default();
        [help, range].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}
