//! What a template must satisfy beyond its shape, in words for the person who writes it.
use std::collections::HashSet;

use slurmdash_api::jobs::ParameterValue;
use slurmdash_api::templates::{ParameterKind, Template, TemplateFile, TemplateParameter, TemplateResources};

use super::{environment, settings, text, value};

/// A part of a template that can be judged by itself.
pub trait Check {
    /// Says what is wrong with it.
    fn check(&self) -> Result<(), String>;
}

fn line(what: &str, value: &str, longest: usize) -> Result<(), String> {
    if value.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    text::line_problem(value, longest).map_or(Ok(()), |problem| Err(format!("{what} {problem}")))
}

impl Check for TemplateResources {
    fn check(&self) -> Result<(), String> {
        let problems = settings::resource_problems(self);
        match problems.first() {
            Some(problem) => Err(format!("resources: {} {}", problem.field, problem.message)),
            None => Ok(()),
        }
    }
}

impl Check for TemplateParameter {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if !environment::is_name(name) {
            return Err(format!("parameter name `{name}` must be a lower-case letter followed by a-z, 0-9 and _"));
        }
        if environment::of_parameter(name).is_none() {
            let variable = name.to_ascii_uppercase();
            return Err(format!(
                "parameter `{name}` would change the environment variable {variable}; name it otherwise"
            ));
        }
        line(&format!("the label of `{name}`"), &self.label, 200)?;
        if let Some(help) = &self.help {
            line(&format!("the help of `{name}`"), help, 2000)?;
        }
        let is_number = matches!(self.kind, ParameterKind::Integer | ParameterKind::Number);
        if (self.min.is_some() || self.max.is_some()) && !is_number {
            return Err(format!("parameter `{name}` is no number, so it takes no min and max"));
        }
        if [self.min, self.max].into_iter().flatten().any(|bound| !bound.is_finite()) {
            return Err(format!("min and max of `{name}` must be ordinary numbers"));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(format!("min of `{name}` is larger than its max"));
        }
        self.check_choices()?;
        match &self.default {
            // An empty text is a fine default: it makes the parameter optional.
            None => Ok(()),
            Some(ParameterValue::Text(text)) if text.is_empty() && self.kind == ParameterKind::Text => Ok(()),
            Some(default) => {
                value::to_text(self, default).map(drop).map_err(|problem| format!("the default of `{name}` {problem}"))
            }
        }
    }
}

/// The rest of a parameter's check.
trait CheckChoices {
    fn check_choices(&self) -> Result<(), String>;
}

impl CheckChoices for TemplateParameter {
    fn check_choices(&self) -> Result<(), String> {
        let name = &self.name;
        if self.kind != ParameterKind::Choice {
            return if self.choices.is_empty() {
                Ok(())
            } else {
                Err(format!("parameter `{name}` has choices but is not of type choice"))
            };
        }
        if self.choices.is_empty() || self.choices.len() > 200 {
            return Err(format!("parameter `{name}` needs 1 to 200 choices"));
        }
        let mut seen = HashSet::new();
        for choice in &self.choices {
            line(&format!("a choice of `{name}`"), choice, 200)?;
            if !seen.insert(choice) {
                return Err(format!("parameter `{name}` has the choice `{choice}` twice"));
            }
        }
        Ok(())
    }
}

impl Check for TemplateFile {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if !environment::is_name(name) {
            return Err(format!("file name `{name}` must be a lower-case letter followed by a-z, 0-9 and _"));
        }
        if environment::of_file(name).is_none() {
            return Err(format!("file `{name}` would change a variable that scripts are given; name it otherwise"));
        }
        line(&format!("the label of `{name}`"), &self.label, 200)?;
        if let Some(help) = &self.help {
            line(&format!("the help of `{name}`"), help, 2000)?;
        }
        if let Some(pattern) = &self.pattern {
            line(&format!("the pattern of `{name}`"), pattern, 500)?;
            if pattern.split(',').any(|one| one.trim().is_empty()) {
                return Err(format!("the pattern of `{name}` has an empty part"));
            }
            if pattern.contains('/') {
                return Err(format!("the pattern of `{name}` holds a /, but names never do"));
            }
        }
        Ok(())
    }
}

/// Judges what concerns the template as a whole; the error is the top-level key it is about and what is wrong.
pub fn template(template: &Template) -> Result<(), (&'static str, String)> {
    line("name", &template.name, 200).map_err(|message| ("name", message))?;
    line("category", &template.category, 64).map_err(|message| ("category", message))?;
    let description = &template.description;
    if description.len() > 4096 || description.chars().any(|c| c != '\n' && text::is_hostile(c)) {
        return Err((
            "description",
            "description must be at most 4096 bytes of text without control characters".into(),
        ));
    }
    if template.script.trim().is_empty() {
        return Err(("script", "script is empty".into()));
    }
    if let Some(problem) = settings::script_text_problem(&template.script) {
        return Err(("script", format!("script {problem}")));
    }
    if template.parameters.len() > 100 {
        return Err(("parameters", "there are more than 100 parameters".into()));
    }
    if template.files.len() > 100 {
        return Err(("files", "there are more than 100 files".into()));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = template.parameters.iter().find(|parameter| !seen.insert(&parameter.name)) {
        return Err(("parameters", format!("parameter `{}` is there twice", twice.name)));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = template.files.iter().find(|file| !seen.insert(&file.name)) {
        return Err(("files", format!("file `{}` is there twice", twice.name)));
    }
    Ok(())
}
