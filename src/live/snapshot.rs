//! The cluster as Slurm last told it, and what changed between two looks.
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use slurmdash_api::cluster::{Controllers, Freshness, Node, Partition};
use slurmdash_api::jobs::Job;
use slurmdash_api::live::ServerMessage;

/// An immutable state of the cluster. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The cluster's name; empty before Slurm's first answer.
    pub cluster: Arc<str>,
    /// Every job Slurm knows, with owner and template filled in, newest first.
    pub jobs: Arc<[Job]>,
    /// Every node, by name.
    pub nodes: Arc<[Node]>,
    /// Every partition, the default one first.
    pub partitions: Arc<[Partition]>,
    /// Every controller, and who is in charge.
    pub controllers: Arc<Controllers>,
    /// How old this is.
    pub freshness: Freshness,
}

impl Snapshot {
    /// Whether Slurm has answered at least once.
    pub fn is_filled(&self) -> bool {
        self.freshness.taken_at.is_some()
    }

    /// The node with this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The job with this id (`123`, `123_4`).
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }
}

/// The messages that take a viewer from one state to the next.
pub fn changes(previous: &Snapshot, next: &Snapshot) -> Vec<ServerMessage> {
    let mut messages = Vec::new();
    // "12 s old" is the viewer's own arithmetic; only going stale and coming back is news.
    let news = previous.freshness.stale != next.freshness.stale || previous.freshness.problem != next.freshness.problem;
    let (changed, gone) = difference(&previous.jobs, &next.jobs, |job| job.id.as_str(), same_job);
    if news || !changed.is_empty() || !gone.is_empty() {
        messages.push(ServerMessage::Jobs { changed, gone, freshness: next.freshness.clone() });
    }
    let (changed, gone) = difference(&previous.nodes, &next.nodes, |node| node.name.as_str(), PartialEq::eq);
    let others = (previous.controllers != next.controllers).then(|| Controllers::clone(&next.controllers));
    if news || !changed.is_empty() || !gone.is_empty() || others.is_some() {
        let (controllers, in_charge) = others.map_or((None, None), |others| (Some(others.all), others.in_charge));
        let freshness = next.freshness.clone();
        messages.push(ServerMessage::Nodes { changed, gone, controllers, in_charge, freshness });
    }
    messages
}

/// Running time counts on by itself on the viewer's side.
fn same_job(one: &Job, other: &Job) -> bool {
    let timeless = |job: &Job| Job { elapsed: 0, ..job.clone() };
    one == other || timeless(one) == timeless(other)
}

fn difference<T: Clone, K: Hash + Eq + ToOwned<Owned = String> + ?Sized>(
    previous: &[T],
    next: &[T],
    key: impl Fn(&T) -> &K,
    same: impl Fn(&T, &T) -> bool,
) -> (Vec<T>, Vec<String>) {
    let mut before: HashMap<&K, &T> = previous.iter().map(|item| (key(item), item)).collect();
    let changed =
        next.iter().filter(|item| !before.remove(key(item)).is_some_and(|old| same(old, item))).cloned().collect();
    let gone = before.into_keys().map(ToOwned::to_owned).collect();
    (changed, gone)
}

#[cfg(test)]
mod tests {
    use slurmdash_api::cluster::{Controller, ControllerRole};

    use super::*;

    #[test]
    fn only_what_changed_is_told() {
        let one = ("a".to_owned(), 1);
        let two = ("b".to_owned(), 1);
        let (changed, gone) = difference(
            &[one.clone(), two.clone()],
            &[("a".to_owned(), 2), ("c".to_owned(), 1)],
            |item| item.0.as_str(),
            PartialEq::eq,
        );
        assert_eq!(changed, [("a".to_owned(), 2), ("c".to_owned(), 1)]);
        assert_eq!(gone, ["b"]);
        let (changed, gone) =
            difference(std::slice::from_ref(&one), std::slice::from_ref(&one), |item| item.0.as_str(), PartialEq::eq);
        assert!(changed.is_empty() && gone.is_empty());
    }

    #[test]
    fn going_stale_is_told_even_when_nothing_else_changed() {
        let fresh = Snapshot::default();
        let stale = Snapshot { freshness: Freshness { stale: true, ..Freshness::default() }, ..Snapshot::default() };
        assert_eq!(changes(&fresh, &fresh).len(), 0);
        assert_eq!(changes(&fresh, &stale).len(), 2);
    }

    #[test]
    fn controllers_are_told_when_one_of_them_or_who_is_in_charge_changed() {
        let with = |answers, in_charge: Option<&str>| {
            let all = vec![Controller { host: "head1".to_owned(), role: ControllerRole::Primary, answers }];
            let controllers = Arc::new(Controllers { all, in_charge: in_charge.map(str::to_owned) });
            Snapshot { controllers, ..Snapshot::default() }
        };
        let told = |next: &Snapshot| {
            [ServerMessage::Nodes {
                changed: Vec::new(),
                gone: Vec::new(),
                controllers: Some(next.controllers.all.clone()),
                in_charge: next.controllers.in_charge.clone(),
                freshness: Freshness::default(),
            }]
        };
        let (usual, silent, unclear) = (with(true, Some("head1")), with(false, None), with(true, None));
        assert_eq!(changes(&usual, &usual), []);
        assert_eq!(changes(&usual, &silent), told(&silent));
        assert_eq!(changes(&unclear, &usual), told(&usual));
    }
}
