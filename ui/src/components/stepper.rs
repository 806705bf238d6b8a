//! Where we are in a task of several steps. Steps already done lead back.
use sycamore::prelude::*;

use super::icon::{Glyph, icon};
use crate::i18n::t;

/// Props of [`Stepper`].
#[derive(Props)]
pub struct StepperProps {
    /// Names of the steps, in order.
    steps: fn() -> Vec<String>,
    /// The current step, from 0.
    #[prop(setter(into))]
    current: MaybeDyn<usize>,
    /// Called with the step that the person goes back to.
    #[prop(setter(into))]
    on_back: Box<dyn Fn(usize)>,
}

/// The steps of a task.
#[component]
pub fn Stepper(props: StepperProps) -> View {
    let StepperProps { steps, current, on_back } = props;
    let on_back: std::rc::Rc<dyn Fn(usize)> = on_back.into();
    let items = move || -> Vec<View> {
        let current = current.get();
        steps()
            .into_iter()
            .enumerate()
            .map(|(index, name)| {
                let on_back = on_back.clone();
                let number = (index + 1).to_string();
                if index < current {
                    view! {
                        li(class="step", data-step="done") {
                            button(class="step-button", r#type="button", on:click=move |_| on_back(index)) {
                                span(class="step-mark") { (icon(Glyph::Check)) }
                                span(class="step-name") { (name) }
                                span(class="visually-hidden") { (|| t().common.step_done()) }
                            }
                        }
                    }
                } else {
                    let here = index == current;
                    view! {
                        li(
                            class="step",
                            data-step=if here { "current" } else { "ahead" },
                            aria-current=here.then_some("step")
                        ) {
                            span(class="step-mark") { (number) }
                            span(class="step-name") { (name) }
                        }
                    }
                }
            })
            .collect()
    };
    view! {
        ol(class="stepper", aria-label=move || t().common.steps()) { (items()) }
    }
}
