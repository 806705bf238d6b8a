//! The audit log as a file, filtered as it is shown.
use slurmdash_api::audit::{AuditQuery, ExportFormat};
use sycamore::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser;
use crate::client::jobs::with_query;
use crate::client::use_client;
use crate::components::{Glyph, Menu, MenuItem, Tone, problem_words, toast};
use crate::i18n::t;

/// A log of years takes a while to be written.
const TIME_LIMIT_MS: i32 = 10 * 60 * 1_000;

/// Where the file is, with the filters.
fn address(query: &AuditQuery, format: ExportFormat) -> String {
    let url = with_query("/api/v2/audit/export", query);
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}format={}", ending(format))
}

fn ending(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "csv",
        ExportFormat::Jsonl => "jsonl",
    }
}

/// `2026-11-25` in UTC: what the file is called after.
fn today() -> String {
    let text = String::from(js_sys::Date::new_0().to_iso_string());
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The menu.
#[component(inline_props)]
pub fn ExportMenu(query: ReadSignal<AuditQuery>) -> View {
    let client = use_client();
    let busy = create_signal(false);
    let export = move |format: ExportFormat| {
        if busy.replace(true) {
            return;
        }
        let address = address(&query.get_clone_untracked(), format);
        toast(Tone::Info, t().audit.exporting());
        // Goes on when the page is left: it was asked for.
        spawn_local(async move {
            match client.get_file(&address, TIME_LIMIT_MS).await {
                Ok(file) => browser::save(&file, &format!("slurmdash-audit-{}.{}", today(), ending(format))),
                Err(error) => {
                    toast(Tone::Error, format!("{}: {}", t().audit.export_failed(), problem_words(&error)));
                }
            }
            if busy.is_alive() {
                busy.set(false);
            }
        });
    };
    let item = move |format: ExportFormat, label: fn() -> String| MenuItem {
        glyph: Glyph::Download,
        label: label.into(),
        act: Box::new(move || export(format)),
    };
    let items = vec![
        item(ExportFormat::Csv, || t().audit.export_csv()),
        item(ExportFormat::Jsonl, || t().audit.export_jsonl()),
    ];
    view! { Menu(label=move || t().audit.export(), items=items) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_has_the_filters_of_the_list() {
        let query = AuditQuery { user: Some("ada".into()), ..AuditQuery::default() };
        assert_eq!(address(&query, ExportFormat::Jsonl), "/api/v2/audit/export?user=ada&format=jsonl");
        assert_eq!(address(&AuditQuery::default(), ExportFormat::Csv), "/api/v2/audit/export?format=csv");
    }
}
