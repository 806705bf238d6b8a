//! Everything Slurm says of the job, as it says it; asked for when somebody wants to see it.
use slurmdash_api::jobs::JobRecordText;
use sycamore::prelude::*;
use wasm_bindgen::JsCast;

use crate::client::data::Remote;
use crate::client::http::escape;
use crate::client::refetch::Refetch;
use crate::client::use_client;
use crate::components::{CodeView, LoadProblem, Skeleton};
use crate::i18n::t;

/// Shortest time between two reads, milliseconds.
const GAP_MS: f64 = 2_000.0;

/// A part of the page that opens to Slurm's own words.
#[component(inline_props)]
pub fn Record(id: String) -> View {
    let client = use_client();
    let record = Remote::<JobRecordText>::new();
    let opened = create_signal(false);
    let path = format!("/api/jobs/{}/record", escape(&id));
    let read = Refetch::new(GAP_MS, move || {
        let path = path.clone();
        async move { record.put(client.get::<JobRecordText>(&path).await) }
    });
    let toggled = move |event: web_sys::Event| {
        let open = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|details| details.has_attribute("open"));
        opened.set(open);
        if open {
            read.soon();
        }
    };
    let (value, problem) = (record.value(), record.problem());
    let body = move || {
        let (opened, value, failed) = (opened.get(), value.get_clone(), problem.with(Option::is_some));
        match value {
            _ if !opened => View::new(),
            Some(record) => texts(record),
            None if failed => View::new(),
            None => view! { Skeleton(lines=6) },
        }
    };
    view! {
        details(class="record", on:toggle=toggled) {
            summary { (|| t().job.everything()) }
            LoadProblem(problem=problem)
            (body())
        }
    }
}

fn texts(record: JobRecordText) -> View {
    let JobRecordText { controller, accounting } = record;
    if controller.is_none() && accounting.is_none() {
        return view! { p(class="card-note") { (|| t().job.record_none()) } };
    }
    let controller = controller.map_or_else(View::new, |text| {
        view! { CodeView(code=text, label=move || t().job.record_controller()) }
    });
    let accounting = accounting.map_or_else(View::new, |text| {
        view! { CodeView(code=text, label=move || t().job.record_accounting()) }
    });
    view! { (controller) (accounting) }
}
