//! A span of time: a few that go back from now, or one of one's own. In the URL as `range=24h`, or as `from` and `to` in
//! Unix seconds, so that a link means the same to everybody.
use js_sys::Date;
use slurmdash_api::UnixSeconds;
use sycamore::prelude::*;
use wasm_bindgen::JsValue;

use crate::browser;
use crate::components::field::input_value;
use crate::components::{Choice, Select};
use crate::i18n::t;
use crate::router::{Query, location, query_value, set_query};

/// Spans that go back from now, seconds.
const BACK: [(&str, UnixSeconds); 4] = [("1h", 3_600), ("24h", 86_400), ("7d", 7 * 86_400), ("30d", 30 * 86_400)];
/// The choice of a span of one's own.
const OWN: &str = "own";

/// What the URL says: from this second on, and before that one.
pub fn span_of(query: &Query, now: UnixSeconds) -> (Option<UnixSeconds>, Option<UnixSeconds>) {
    let range = query.get("range");
    if let Some((_, seconds)) = BACK.iter().find(|(name, _)| *name == range) {
        return (Some(now - seconds), None);
    }
    let second = |name: &str| query.get(name).parse().ok().filter(|second| *second >= 0);
    (second("from"), second("to"))
}

/// The choice that the URL stands for.
fn choice_of(query: &Query) -> &'static str {
    let range = query.get("range");
    match BACK.iter().find(|(name, _)| *name == range) {
        Some((name, _)) => name,
        None if range == OWN || !query.get("from").is_empty() || !query.get("to").is_empty() => OWN,
        None => "",
    }
}

/// The choice, and two fields when it is a span of one's own.
#[component]
pub fn SpanFilter() -> View {
    let in_url = create_selector(|| choice_of(&Query::parse(&location().query)));
    let chosen = create_signal(in_url.get_untracked().to_owned());
    create_effect(move || {
        let now = in_url.get();
        if chosen.with_untracked(|chosen| chosen != now) {
            chosen.set(now.to_owned());
        }
    });
    create_effect(move || {
        let choice = chosen.get_clone();
        if in_url.get_untracked() != choice {
            set_query(&[("range", &choice), ("from", ""), ("to", "")]);
        }
    });
    let choices = || {
        let words = t().audit;
        vec![
            Choice::new("", words.any_time()),
            Choice::new("1h", words.last_hour()),
            Choice::new("24h", words.last_day()),
            Choice::new("7d", words.last_week()),
            Choice::new("30d", words.last_month()),
            Choice::new(OWN, words.own_range()),
        ]
    };
    view! {
        Select(
            name="range",
            label=move || t().audit.time(),
            value=chosen,
            choices=create_memo(choices),
            bare=true
        )
        (if in_url.get() == OWN {
            view! {
                (end_field("from", || t().audit.from()))
                (end_field("to", || t().audit.to()))
            }
        } else {
            view! {}
        })
    }
}

/// One end of a span, in the person's own time zone.
fn end_field(name: &'static str, label: fn() -> String) -> View {
    let stored = query_value(name);
    let shown = move || JsValue::from_str(&stored.get_clone().parse().map_or_else(|_| String::new(), local_text));
    let changed = move |event: web_sys::Event| {
        let second = seconds_of(&input_value(&event)).map(|second| second.to_string()).unwrap_or_default();
        set_query(&[("range", OWN), (name, &second)]);
    };
    view! {
        label(class="filter-time") {
            span { (label()) }
            input(class="input", r#type="datetime-local", name=name, prop:value=shown, on:change=changed)
        }
    }
}

/// What a `datetime-local` field holds for a point in time.
fn local_text(second: UnixSeconds) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any date that people type are exact")]
    let date = Date::new(&JsValue::from_f64(second as f64 * 1_000.0));
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes()
    )
}

/// The point in time of what a `datetime-local` field holds.
fn seconds_of(text: &str) -> Option<UnixSeconds> {
    let milliseconds = Date::parse(text);
    #[expect(clippy::cast_possible_truncation, reason = "a date in seconds fits")]
    (!text.is_empty() && milliseconds.is_finite()).then_some((milliseconds / 1_000.0) as UnixSeconds)
}

/// Now, to the minute, so that a list that is read again asks the same.
pub fn this_minute() -> UnixSeconds {
    browser::now() / 60 * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_goes_back_from_now_or_is_one_of_ones_own() {
        let span = |text: &str| span_of(&Query::parse(text), 1_000_000);
        assert_eq!(span(""), (None, None));
        assert_eq!(span("range=1h"), (Some(996_400), None));
        assert_eq!(span("range=24h&from=5"), (Some(913_600), None));
        assert_eq!(span("from=5&to=9"), (Some(5), Some(9)));
        assert_eq!(span("range=own&from=-5&to=x"), (None, None));
        assert_eq!(choice_of(&Query::parse("to=9")), OWN);
        assert_eq!(choice_of(&Query::parse("range=7d")), "7d");
        assert_eq!(choice_of(&Query::parse("range=odd")), "");
    }
}
