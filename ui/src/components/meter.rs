//! A meter: how much of something is in use, with the number.
use sycamore::prelude::*;

use super::Text;

use crate::i18n::format::percent_of;
use crate::i18n::t;

/// Props of [`Meter`].
#[derive(Props)]
pub struct MeterProps {
    /// What is measured.
    #[prop(setter(into))]
    label: Text,
    /// How much is in use, in the unit of `total`.
    #[prop(setter(into))]
    used: MaybeDyn<u64>,
    /// How much there is.
    #[prop(setter(into))]
    total: MaybeDyn<u64>,
    /// Writes an amount with its unit.
    write: fn(u64) -> String,
    /// Only the bar and the number, in one line: for table cells, whose column says what is measured.
    #[prop(default)]
    compact: bool,
}

/// A meter. The bar is an SVG rectangle: its width is an attribute, which the content security policy allows.
#[component]
pub fn Meter(props: MeterProps) -> View {
    let MeterProps { label, used, total, write, compact } = props;
    let values = create_memo(move || (used.get(), total.get()));
    let amount = move || {
        let (used, total) = values.get();
        t().common.used_of(&write(used), &write(total))
    };
    let share = move || {
        let (used, total) = values.get();
        percent_of(used, total)
    };
    let name = label.clone();
    view! {
        div(
            class=if compact { "meter meter-compact" } else { "meter" },
            role="meter",
            aria-label=move || name.get_clone(),
            aria-valuemin="0",
            aria-valuemax="100",
            aria-valuenow=move || share().to_string(),
            aria-valuetext=amount,
            data-level=move || if share() >= 95 { "full" } else { "normal" }
        ) {
            span(class="meter-label") { (label.get_clone()) }
            span(class="meter-amount") { (amount()) }
            span(class="meter-share") { (format!("{}%", share())) }
            svg(class="meter-bar", aria-hidden="true", preserveAspectRatio="none") {
                rect(class="meter-track", width="100%", height="100%", rx="3")
                rect(class="meter-fill", width=move || format!("{}%", share()), height="100%", rx="3")
            }
        }
    }
}
