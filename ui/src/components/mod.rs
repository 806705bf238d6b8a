//! The parts every page is made of. Each has its own file here and its own style sheet in `styles/components/`; all of
//! them are shown, in all states, at `/gallery`.
//!
//! A view or memo must read every signal it depends on before it branches: Sycamore misses a dependency that is first
//! read while the very change it depends on is being passed on (`if a.get() { b.get() }`, with `a` and `b` made from
//! the same signal).
//!
//! No signal may be set or made inside `with`: it holds what all signals are kept in. `batch` is for code that runs in
//! a scope, not for what the browser calls by itself (timers, sockets, `spawn_local`).
//!
//! Components take what they show as props and know nothing of the server; texts come from `i18n`.

pub mod banner;
pub mod button;
pub mod choices;
pub mod code_view;
pub mod confirm;
pub mod dialog;
pub mod drop_zone;
pub mod empty;
pub mod explanation;
pub mod field;
pub mod heat_grid;
pub mod icon;
pub mod keyed;
pub mod log_view;
pub mod menu;
pub mod meter;
pub mod page_header;
pub mod pagination;
pub mod password;
pub mod problem;
pub mod secret;
pub mod selection;
pub mod skeleton;
pub mod state_pill;
pub mod stepper;
pub mod strip;
pub mod table;
pub mod tabs;
pub mod time;
pub mod toast;
pub mod upload_indicator;
pub mod upload_row;

pub use banner::{Banner, Tone};
pub use button::{Button, ButtonKind, IconButton, LinkButton};
pub use choices::{RadioGroup, TickList};
pub use code_view::CodeView;
pub use confirm::{Confirm, ConfirmDialog, Question};
pub use dialog::Dialog;
pub use drop_zone::DropZone;
pub use empty::EmptyState;
pub use explanation::ExplanationBox;
pub use field::{Checkbox, Choice, SearchInput, Select, TextArea, TextInput};
pub use heat_grid::HeatGrid;
pub use icon::{Glyph, icon};
pub use log_view::{Log, LogView};
pub use menu::{Menu, MenuItem};
pub use meter::Meter;
pub use page_header::PageHeader;
pub use pagination::Pagination;
pub use password::PasswordInput;
pub use problem::{LoadProblem, problem_words};
pub use secret::OnceShown;
pub use selection::Selection;
pub use skeleton::Skeleton;
pub use state_pill::{JobStatePill, Mark, NodeStatePill, pill};
pub use stepper::Stepper;
pub use strip::Strip;
pub use table::{Cell, Column, Row, SortOrder, Table};
pub use tabs::{Tab, Tabs};
pub use time::time_ago;
pub use toast::{Toasts, toast, toast_with_undo};
pub use upload_indicator::UploadIndicator;
pub use upload_row::UploadRow;

use std::borrow::Cow;

use sycamore::prelude::MaybeDyn;

/// A text prop: fixed, or a closure or signal that follows the language and the data.
pub type Text = MaybeDyn<Cow<'static, str>>;

/// The default of text props that may be left out.
pub fn no_text() -> Text {
    MaybeDyn::Static(Cow::Borrowed(""))
}
