//! The drop zone: files are dragged onto it or chosen with its button.
use std::rc::Rc;

use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, File, FileList, HtmlInputElement};

use super::button::{Button, ButtonKind};
use super::field::unique_id;
use super::icon::{Glyph, icon};
use super::{Text, no_text};
use crate::browser;
use crate::i18n::t;

/// Props of [`DropZone`].
#[derive(Props)]
pub struct DropZoneProps {
    /// Gets the files.
    #[prop(setter(into))]
    on_files: Box<dyn Fn(Vec<File>)>,
    /// What to know about the files, such as how large they may be.
    #[prop(default = no_text(), setter(into))]
    note: Text,
}

/// A place to drop files on. While it is shown, a file dropped beside it does not make the browser leave the page.
#[component]
pub fn DropZone(props: DropZoneProps) -> View {
    let DropZoneProps { on_files, note } = props;
    let on_files: Rc<dyn Fn(Vec<File>)> = on_files.into();
    let over = create_signal(false);
    let input = create_node_ref();
    let id = unique_id("files");
    for event in ["dragover", "drop"] {
        browser::on_window(event, |event| event.prevent_default());
    }

    let element = move || input.try_get().and_then(|node| node.dyn_into::<HtmlInputElement>().ok());
    let choose = move |_| {
        if let Some(input) = element() {
            input.click();
        }
    };
    let chosen = {
        let on_files = on_files.clone();
        move |_: web_sys::Event| {
            if let Some(input) = element() {
                on_files(files_of(input.files()));
                // Choosing the same file again must be news again.
                input.set_value("");
            }
        }
    };
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        on_files(files_of(event.data_transfer().and_then(|data| data.files())));
    };
    view! {
        div(
            class="drop-zone",
            data-testid="dropzone",
            data-over=move || over.get().then_some(""),
            on:dragover=move |event: DragEvent| { event.prevent_default(); over.set(true); },
            on:dragleave=move |_: DragEvent| over.set(false),
            on:drop=dropped
        ) {
            span(class="drop-zone-picture") { (icon(Glyph::Upload)) }
            p(class="drop-zone-title") {
                (if over.get() { t().uploads.let_go() } else { t().uploads.drop_here() })
            }
            p(class="drop-zone-text") { (t().uploads.drop_or()) " " (note.get_clone()) }
            input(
                r#ref=input,
                r#type="file",
                id=id,
                multiple=true,
                hidden=true,
                aria-label=move || t().uploads.select(),
                on:change=chosen
            )
            Button(kind=ButtonKind::Secondary, glyph=Glyph::Folder, on:click=choose) { (|| t().uploads.select()) }
        }
    }
}

fn files_of(list: Option<FileList>) -> Vec<File> {
    list.map(|list| (0..list.length()).filter_map(|place| list.item(place)).collect()).unwrap_or_default()
}
