//! The template's parameters: their first texts, and what is read from what people type.
use slurmdash_api::jobs::ParameterValue;
use slurmdash_api::templates::{ParameterKind, TemplateParameter};

use crate::i18n::t;

/// A parameter's name in drafts and in the server's answers.
pub fn key_of(about: &TemplateParameter) -> String {
    format!("parameters.{}", about.name)
}

/// What stands in its field first.
pub fn first_text(about: &TemplateParameter) -> String {
    match &about.default {
        Some(value) => text_of(value),
        None => match about.kind {
            ParameterKind::Boolean => "false".to_owned(),
            ParameterKind::Choice => about.choices.first().cloned().unwrap_or_default(),
            _ => String::new(),
        },
    }
}

/// Reads a parameter's text. `Ok(None)` leaves it to the template's default.
pub fn parameter_value(about: &TemplateParameter, text: &str) -> Result<Option<ParameterValue>, String> {
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

/// The text that [`parameter_value`] reads back.
pub fn text_of(value: &ParameterValue) -> String {
    match value {
        ParameterValue::Bool(value) => value.to_string(),
        ParameterValue::Integer(value) => value.to_string(),
        ParameterValue::Number(value) => value.to_string(),
        ParameterValue::Text(value) => value.clone(),
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
}
