//! Grey shapes while data is on its way. They appear only after 200 ms (the style sheet delays them), so what comes
//! quickly never flickers.
use sycamore::prelude::*;

use crate::i18n::t;

/// Props of [`Skeleton`].
#[derive(Props)]
pub struct SkeletonProps {
    /// How many lines.
    #[prop(default = 3)]
    lines: usize,
    /// How high each is: `line`, `row` or `card`.
    #[prop(default = "line")]
    shape: &'static str,
}

/// Lines that stand for what is being loaded.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub fn Skeleton(props: SkeletonProps) -> View {
    let SkeletonProps { lines, shape } = props;
    let bars: Vec<View> = (0..lines).map(|_| view! { span(class="skeleton-bar") }).collect();
    view! {
        div(class="skeleton", data-shape=shape, role="status") {
            span(class="visually-hidden") { (|| t().common.loading()) }
            (bars)
        }
    }
}
