//! Finding events: by any combination of what they say, newest first.
use std::collections::BTreeMap;

use slurmdash_api::UnixSeconds;
use slurmdash_api::audit::Severity;

use super::{BY_SEVERITY, BY_USER, SecurityEventRecord, severity_key};
use crate::store::audit::Whose;
use crate::store::audit::search::MOST_LOOKED_AT;
use crate::store::key::Key;
use crate::store::walk::{Page, PageRequest, Source as _, Walk};
use crate::store::{Store, StoreError};

/// Which events: those to which all of this applies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// How bad.
    pub severity: Option<Severity>,
    /// Whether somebody has dealt with it.
    pub resolved: Option<bool>,
    /// What happened, as a word.
    pub kind: Option<String>,
    /// Whose; the empty id stands for nobody known.
    pub user: Option<Whose>,
    /// Address of the caller, as text.
    pub address: Option<String>,
    /// First detected from this second on.
    pub from: Option<UnixSeconds>,
    /// First detected before this second.
    pub to: Option<UnixSeconds>,
}

impl EventFilter {
    /// The events of one account.
    pub fn user(id: impl Into<String>) -> Self {
        Self { user: Some(Whose::Id(id.into())), ..Self::default() }
    }

    /// The events of one severity, dealt with or not.
    pub fn severity(severity: Severity, resolved: bool) -> Self {
        Self { severity: Some(severity), resolved: Some(resolved), ..Self::default() }
    }

    /// Whether an event is one of them.
    pub fn is_wanted(&self, event: &SecurityEventRecord) -> bool {
        self.severity.is_none_or(|severity| event.severity == severity)
            && self.resolved.is_none_or(|resolved| event.resolved_at.is_some() == resolved)
            && self.kind.as_ref().is_none_or(|kind| event.kind == *kind)
            && self.user.as_ref().is_none_or(|user| user.is(event.user_id.as_deref(), event.username.as_deref()))
            && self.address.as_ref().is_none_or(|address| event.address.as_ref() == Some(address))
            && self.from.is_none_or(|from| event.at >= from)
            && self.to.is_none_or(|to| event.at < to)
    }

    /// A look-up that has all of them. An account's is narrower than a severity's.
    fn walk(&self) -> Walk<'static, SecurityEventRecord> {
        let walk = match (&self.user, self.severity, self.resolved) {
            (Some(Whose::Id(id)), _, _) => Walk::group(&BY_USER, Key::new().text(id)),
            (_, Some(severity), Some(resolved)) => Walk::group(&BY_SEVERITY, severity_key(severity, resolved)),
            _ => Walk::table(),
        };
        let time = |at| Key::new().time(at);
        walk.between(self.from.map(time), self.to.map(time))
    }
}

/// Which events are counted: what is known without looking at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventGroup {
    /// All.
    All,
    /// Of one account; the empty id stands for nobody known.
    User(String),
    /// Of one severity, dealt with or not.
    Severity(Severity, bool),
}

impl Store {
    /// A page of events, newest first. It may be short and still have a next one: see [`Walk::search`].
    pub fn event_page(
        &self,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<SecurityEventRecord>, StoreError> {
        self.read(|view| filter.walk().search(view, page, MOST_LOOKED_AT, |event| filter.is_wanted(event)))
    }

    /// How many events there are, whenever they were.
    pub fn event_count(&self, group: &EventGroup) -> Result<u64, StoreError> {
        self.read(|view| match group {
            EventGroup::All => view.total::<SecurityEventRecord>(),
            EventGroup::User(id) => view.count(&BY_USER, &Key::new().text(id)),
            EventGroup::Severity(severity, resolved) => view.count(&BY_SEVERITY, &severity_key(*severity, *resolved)),
        })
    }

    /// How many events of each severity nobody has dealt with.
    pub fn open_events(&self) -> Result<BTreeMap<Severity, u64>, StoreError> {
        self.read(|view| {
            let open = |severity| Ok((severity, view.count(&BY_SEVERITY, &severity_key(severity, false))?));
            Severity::ALL.into_iter().map(open).collect()
        })
    }
}
