//! Finding rows: by any combination of what a row says, newest first.
use slurmdash_api::UnixSeconds;
use slurmdash_api::audit::AuditResult;

use super::{AuditRecord, BY_ACTION, BY_ADDRESS, BY_USER, REFUSED};
use crate::store::key::Key;
use crate::store::record::Lookup;
use crate::store::walk::{Page, PageRequest, Source as _, View, Walk};
use crate::store::{Store, StoreError};

/// Most records that one call of a search looks at.
pub const MOST_LOOKED_AT: usize = 5000;
/// A look-up with fewer rows than this is narrow enough, whatever the others have.
const NARROW: usize = 1000;
/// Rows of one batch of an export.
const BATCH: usize = 1000;

/// Whose rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Of the account with this id; the empty id stands for the program itself and strangers.
    Id(String),
    /// Of those that had this name: of accounts that are gone, or never were.
    Name(String),
}

impl Whose {
    /// Whether a row with this id and name is theirs.
    pub fn is(&self, user_id: Option<&str>, username: Option<&str>) -> bool {
        match self {
            Self::Id(id) => user_id.unwrap_or_default() == id,
            Self::Name(name) => username == Some(name),
        }
    }
}

/// Which rows: those to which all of this applies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Whose.
    pub user: Option<Whose>,
    /// What was done, as `noun.verb`; or `noun.` for everything with a noun.
    pub action: Option<String>,
    /// Address of the caller, as text.
    pub address: Option<String>,
    /// Whether it was done.
    pub result: Option<AuditResult>,
    /// From this second on.
    pub from: Option<UnixSeconds>,
    /// Before this second.
    pub to: Option<UnixSeconds>,
}

impl AuditFilter {
    /// The rows of one account.
    pub fn user(id: impl Into<String>) -> Self {
        Self { user: Some(Whose::Id(id.into())), ..Self::default() }
    }

    /// The rows of one action.
    pub fn action(action: impl Into<String>) -> Self {
        Self { action: Some(action.into()), ..Self::default() }
    }

    /// Whether a row is one of them.
    pub fn is_wanted(&self, row: &AuditRecord) -> bool {
        let is_action = |action: &String| {
            if action.ends_with('.') { row.action.starts_with(action.as_str()) } else { row.action == *action }
        };
        self.user.as_ref().is_none_or(|user| user.is(row.user_id.as_deref(), row.username.as_deref()))
            && self.action.as_ref().is_none_or(is_action)
            && self.address.as_ref().is_none_or(|address| row.address.as_ref() == Some(address))
            && self.result.is_none_or(|result| row.result() == result)
            && self.from.is_none_or(|from| row.at >= from)
            && self.to.is_none_or(|to| row.at < to)
    }

    /// The narrowest look-up that has all of them.
    ///
    /// It may be another one for the next page, when rows have come meanwhile. A cursor is good all the same: within a
    /// group all of these look-ups have the same order, time and key.
    fn walk(&self, view: &View) -> Result<Walk<'static, AuditRecord>, StoreError> {
        let mut ways: Vec<(&'static Lookup<AuditRecord>, Key)> = Vec::new();
        if let Some(Whose::Id(id)) = &self.user {
            ways.push((&BY_USER, Key::new().text(id)));
        }
        if let Some(action) = self.action.as_ref().filter(|action| !action.ends_with('.')) {
            ways.push((&BY_ACTION, Key::new().text(action)));
        }
        if let Some(address) = &self.address {
            ways.push((&BY_ADDRESS, Key::new().text(address)));
        }
        if self.result == Some(AuditResult::Refused) {
            ways.push((&REFUSED, Key::new()));
        }
        let walk =
            |(lookup, group): &(&'static Lookup<AuditRecord>, Key)| self.within(Walk::group(lookup, group.clone()));
        if let [only] = ways.as_slice() {
            return Ok(walk(only));
        }
        let mut narrowest = (NARROW, None);
        for way in &ways {
            let size = walk(way).keys(view, narrowest.0)?.len();
            if size < narrowest.0 || narrowest.1.is_none() {
                narrowest = (size, Some(way));
            }
        }
        Ok(narrowest.1.map_or_else(|| self.within(Walk::table()), walk))
    }

    fn within(&self, walk: Walk<'static, AuditRecord>) -> Walk<'static, AuditRecord> {
        let time = |at| Key::new().time(at);
        walk.between(self.from.map(time), self.to.map(time))
    }
}

/// Which rows are counted: what is known without looking at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditGroup {
    /// All.
    All,
    /// Of one account; the empty id stands for the program itself and strangers.
    User(String),
    /// Of one action.
    Action(String),
}

/// Rows in batches, newest first; no batch keeps the store busy for long. A batch may be empty.
pub struct AuditExport {
    store: Store,
    filter: AuditFilter,
    /// Where it goes on; `None` at the end.
    request: Option<PageRequest>,
}

impl Iterator for AuditExport {
    type Item = Result<Vec<AuditRecord>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let request = self.request.take()?;
        let page = match self.store.audit_page(&self.filter, &request) {
            Ok(page) => page,
            Err(error) => return Some(Err(error)),
        };
        self.request = page.next.map(|after| PageRequest { after: Some(after), limit: BATCH });
        Some(Ok(page.items))
    }
}

impl Store {
    /// A page of the log, newest first. It may be short and still have a next one: see [`Walk::search`].
    pub fn audit_page(&self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditRecord>, StoreError> {
        self.read(|view| filter.walk(view)?.search(view, page, MOST_LOOKED_AT, |row| filter.is_wanted(row)))
    }

    /// All rows that are wanted, newest first, for as long as it takes: each batch is a short read of its own, which
    /// blocks. Rows that are written meanwhile are not among them.
    pub fn audit_export(&self, filter: AuditFilter) -> AuditExport {
        AuditExport { store: self.clone(), filter, request: Some(PageRequest::first(BATCH)) }
    }

    /// How many rows there are, whenever they were written.
    pub fn audit_count(&self, group: &AuditGroup) -> Result<u64, StoreError> {
        self.read(|view| match group {
            AuditGroup::All => view.total::<AuditRecord>(),
            AuditGroup::User(id) => view.count(&BY_USER, &Key::new().text(id)),
            AuditGroup::Action(action) => view.count(&BY_ACTION, &Key::new().text(action)),
        })
    }

    /// Whom somebody means who types an account's id or name: an account, else one that is gone but has rows under that
    /// id, else a name.
    pub fn whose(&self, text: &str) -> Result<Whose, StoreError> {
        let id = || Whose::Id(text.to_owned());
        if self.user(text)?.is_some() {
            return Ok(id());
        }
        if let Some(user) = self.user_by_name(text)? {
            return Ok(Whose::Id(user.id));
        }
        let has_rows = self.audit_count(&AuditGroup::User(text.to_owned()))? > 0;
        Ok(if has_rows { id() } else { Whose::Name(text.to_owned()) })
    }
}
