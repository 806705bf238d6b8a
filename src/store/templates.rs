//! Templates that people made or brought along: by category, whether they are public, and when they were made.
//!
//! The YAML files of the template folder are what jobs are made from; here is who made which, and when.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// One template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRecord {
    /// Stable id: its file's name without `.yaml`.
    pub id: String,
    /// Name on the card.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Category.
    pub category: String,
    /// Shown to everyone.
    pub is_public: bool,
    /// Id of the account that made it; `None` for those that ship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it was last changed.
    pub updated_at: UnixSeconds,
    /// What it says, as text (YAML, or JSON from the old system), where no file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

const BY_CATEGORY: Lookup<TemplateRecord> = Lookup::counted("templates.by_category", |template| {
    Some(Entry::new(category_key(&template.category, template.is_public), Key::new().time(template.created_at)))
});
const BY_PUBLIC: Lookup<TemplateRecord> = Lookup::counted("templates.by_public", |template| {
    Some(Entry::new(Key::new().byte(u8::from(template.is_public)), Key::new().time(template.created_at)))
});
const BY_CREATED: Lookup<TemplateRecord> = Lookup::plain("templates.by_created", |template| {
    Some(Entry::new(Key::new(), Key::new().time(template.created_at)))
});

fn category_key(category: &str, is_public: bool) -> Key {
    Key::new().text(category).byte(u8::from(is_public))
}

impl Record for TemplateRecord {
    const TABLE: &'static str = "templates";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_CATEGORY, BY_PUBLIC, BY_CREATED];

    fn key(&self) -> Key {
        Key::raw(self.id.as_bytes())
    }
}

/// Which templates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TemplateFilter {
    /// All.
    #[default]
    All,
    /// Public ones, or private ones.
    Public(bool),
    /// Of one category, public or private.
    Category(String, bool),
}

impl Store {
    /// Writes down a template, new or changed.
    pub async fn put_template(&self, template: TemplateRecord, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.put(&template)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// Forgets a template; `false` when there is none.
    pub async fn remove_template(&self, id: String, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |tx| match tx.remove::<TemplateRecord>(&Key::raw(id.as_str()))? {
            Some(_) => tx.audited(&audit, true),
            None => tx.unchanged(false),
        })
        .await
    }

    /// The template with this id.
    pub fn template(&self, id: &str) -> Result<Option<TemplateRecord>, StoreError> {
        self.read(|view| view.get(&Key::raw(id)))
    }

    /// A page of templates, newest first.
    pub fn template_page(
        &self,
        filter: &TemplateFilter,
        page: &PageRequest,
    ) -> Result<Page<TemplateRecord>, StoreError> {
        let walk = match filter {
            TemplateFilter::All => Walk::group(&BY_CREATED, Key::new()),
            TemplateFilter::Public(public) => Walk::group(&BY_PUBLIC, Key::new().byte(u8::from(*public))),
            TemplateFilter::Category(category, public) => Walk::group(&BY_CATEGORY, category_key(category, *public)),
        };
        self.read(|view| walk.page(view, page))
    }

    /// How many templates there are.
    pub fn template_count(&self, filter: &TemplateFilter) -> Result<u64, StoreError> {
        self.read(|view| match filter {
            TemplateFilter::All => view.total::<TemplateRecord>(),
            TemplateFilter::Public(public) => view.count(&BY_PUBLIC, &Key::new().byte(u8::from(*public))),
            TemplateFilter::Category(category, public) => view.count(&BY_CATEGORY, &category_key(category, *public)),
        })
    }
}
