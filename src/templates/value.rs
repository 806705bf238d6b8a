//! Turns a parameter's value into the text that its environment variable holds, or says why it can't be taken.
use slurmdash_api::jobs::ParameterValue;
use slurmdash_api::templates::{ParameterKind, TemplateParameter};

use super::text;

/// Longest text of a parameter, bytes.
pub const MAX_TEXT: usize = 4096;
/// Whole numbers up to here are exact as `f64`, which is what JSON in a browser has.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The value as text: `true` or `false`, a number in decimal, or the text itself.
pub fn to_text(parameter: &TemplateParameter, value: &ParameterValue) -> Result<String, String> {
    match (parameter.kind, value) {
        (ParameterKind::Boolean, ParameterValue::Bool(value)) => Ok(value.to_string()),
        (ParameterKind::Boolean, _) => Err("must be true or false".into()),
        (ParameterKind::Integer, ParameterValue::Integer(value)) => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the bounds are f64; far beyond 2^53 a bound is as good rounded"
            )]
            in_range(parameter, *value as f64)?;
            Ok(value.to_string())
        }
        // 10.0 is the whole number 10 in JSON.
        (ParameterKind::Integer, ParameterValue::Number(value)) if value.fract() == 0.0 && value.abs() <= MAX_EXACT => {
            in_range(parameter, *value)?;
            Ok(format!("{value:.0}"))
        }
        (ParameterKind::Integer, _) => Err("must be a whole number".into()),
        (ParameterKind::Number, ParameterValue::Integer(value)) => {
            #[expect(clippy::cast_precision_loss, reason = "only compared with bounds")]
            in_range(parameter, *value as f64)?;
            Ok(value.to_string())
        }
        (ParameterKind::Number, ParameterValue::Number(value)) if value.is_finite() => {
            in_range(parameter, *value)?;
            Ok(value.to_string())
        }
        (ParameterKind::Number, _) => Err("must be a number".into()),
        (ParameterKind::Choice, ParameterValue::Text(value)) if parameter.choices.contains(value) => Ok(value.clone()),
        (ParameterKind::Choice, _) => Err(format!("must be one of: {}", parameter.choices.join(", "))),
        (ParameterKind::Text, ParameterValue::Text(value)) => match text::line_problem(value, MAX_TEXT) {
            None => Ok(value.clone()),
            Some(problem) => Err(problem),
        },
        (ParameterKind::Text, _) => Err("must be text; put it in quotes".into()),
    }
}

fn in_range(parameter: &TemplateParameter, value: f64) -> Result<(), String> {
    match (parameter.min, parameter.max) {
        (Some(min), Some(max)) if value < min || value > max => Err(format!("must be from {min} to {max}")),
        (Some(min), None) if value < min => Err(format!("must be {min} or more")),
        (None, Some(max)) if value > max => Err(format!("must be {max} or less")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use ParameterValue::{Bool, Integer, Number, Text};

    use super::*;

    #[test]
    fn values_fit_their_kind_and_bounds() {
        let parameter = |kind| TemplateParameter {
            name: "a".into(),
            label: "A".into(),
            kind,
            help: None,
            default: None,
            min: None,
            max: None,
            choices: vec!["x".into()],
        };
        let taken = |kind, value: ParameterValue| to_text(&parameter(kind), &value).ok();
        assert_eq!(taken(ParameterKind::Integer, Number(10.0)).as_deref(), Some("10"));
        assert_eq!(taken(ParameterKind::Integer, Number(10.5)), None);
        assert_eq!(taken(ParameterKind::Integer, Text("10".into())), None);
        assert_eq!(taken(ParameterKind::Integer, Integer(i64::MIN)).as_deref(), Some("-9223372036854775808"));
        assert_eq!(taken(ParameterKind::Number, Integer(3)).as_deref(), Some("3"));
        assert_eq!(taken(ParameterKind::Number, Number(1e-5)).as_deref(), Some("0.00001"));
        assert_eq!(taken(ParameterKind::Boolean, Bool(true)).as_deref(), Some("true"));
        assert_eq!(taken(ParameterKind::Boolean, Text("true".into())), None);
        assert_eq!(taken(ParameterKind::Choice, Text("x".into())).as_deref(), Some("x"));
        assert_eq!(taken(ParameterKind::Choice, Text("y".into())), None);
        assert_eq!(taken(ParameterKind::Text, Text("$(id)".into())).as_deref(), Some("$(id)"));
        assert_eq!(taken(ParameterKind::Text, Text("a\nb".into())), None);
        assert_eq!(taken(ParameterKind::Text, Text("a\u{202e}b".into())), None);
        assert_eq!(taken(ParameterKind::Text, Text("x".repeat(MAX_TEXT + 1))), None);
        assert_eq!(taken(ParameterKind::Text, Integer(1)), None);
        let bounded = TemplateParameter { min: Some(1.0), max: Some(5.0), ..parameter(ParameterKind::Integer) };
        assert!(to_text(&bounded, &Integer(0)).is_err() && to_text(&bounded, &Integer(5)).is_ok());
    }
}
