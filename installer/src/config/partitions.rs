//! Partitions: names of their hosts expanded, one of them the default.
use std::collections::{BTreeMap, HashMap, HashSet};

use super::problem::{KeyPath, Report, did_you_mean, quoted};
use super::{
    ConfigHost, MAX_HOSTS, Partition, Role, file, is_partition_name, judge_options, names, owned_partition_option,
};
use crate::hostlist;

/// All partitions; one, `main`, with all compute nodes when none are written.
pub(super) fn resolve(
    written: Option<&[file::Partition]>,
    hosts: &[ConfigHost],
    report: &mut Report,
) -> Vec<Partition> {
    let compute: Vec<&str> =
        hosts.iter().filter(|host| host.has(Role::Compute)).map(|host| host.name.as_str()).collect();
    let Some(written) = written else {
        let nodes = compute.into_iter().map(str::to_owned).collect();
        let name = "main".to_owned();
        return vec![Partition { name, nodes, default: true, max_time: None, options: BTreeMap::new() }];
    };
    let places: HashMap<&str, usize> = compute.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let others: HashSet<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let members = Members { compute: &compute, places: &places, others: &others };
    let mut partitions = Vec::new();
    let mut seen = HashMap::new();
    for (at, partition) in written.iter().enumerate() {
        let path = KeyPath::from("partitions").item(at);
        if let Some(first) = seen.insert(partition.name.to_lowercase(), at) {
            report.refuse(&path.key("name"), format!("has the name of partitions[{first}]"));
        }
        judge(partition, &path, report);
        partitions.push(Partition {
            name: partition.name.clone(),
            nodes: members.expand(&partition.nodes, &path.key("nodes"), report),
            default: partition.default,
            max_time: partition.max_time.clone(),
            options: partition.options.clone(),
        });
    }
    let mut defaults = written.iter().enumerate().filter(|(_, partition)| partition.default);
    if let (Some((_, first)), Some((at, _))) = (defaults.next(), defaults.next()) {
        let path = KeyPath::from("partitions").item(at).key("default");
        report.refuse(&path, format!("makes a second default; {} is one already", quoted(&first.name)));
    } else if !written.iter().any(|partition| partition.default) {
        partitions.iter_mut().take(1).for_each(|first| first.default = true);
    }
    partitions
}

fn judge(partition: &file::Partition, path: &KeyPath, report: &mut Report) {
    let name = &partition.name;
    if !is_partition_name(name) {
        let message = format!("is no name for a partition: {}", quoted(name));
        report.advise(&path.key("name"), message, "letters, digits, _, . and - make one; DEFAULT is Slurm's own");
    }
    if let Some(limit) = partition.max_time.as_ref().filter(|limit| !names::is_time_limit(limit)) {
        let message = format!("is no time limit: {}", quoted(limit));
        report.advise(&path.key("max_time"), message, "write 60 (minutes), 12:00:00, 1-00:00:00 (a day) or UNLIMITED");
    }
    judge_options(&partition.options, &path.key("options"), owned_partition_option, report);
}

/// Who can be in a partition.
struct Members<'a> {
    compute: &'a [&'a str],
    places: &'a HashMap<&'a str, usize>,
    others: &'a HashSet<&'a str>,
}

impl Members<'_> {
    /// Names in the order of the hosts.
    fn expand(&self, nodes: &file::Nodes, path: &KeyPath, report: &mut Report) -> Vec<String> {
        let lists = match nodes {
            file::Nodes::One(list) => vec![(path.clone(), list)],
            file::Nodes::Many(lists) => lists.iter().enumerate().map(|(at, list)| (path.item(at), list)).collect(),
        };
        let mut places = Vec::new();
        let mut seen = HashSet::new();
        for (path, list) in lists {
            let Some(found) = self.places(list, &path, report) else { break };
            let (new, twice): (Vec<usize>, Vec<usize>) = found.into_iter().partition(|place| seen.insert(*place));
            places.extend(new);
            if !twice.is_empty() {
                let twice: Vec<&str> = twice.into_iter().filter_map(|place| self.compute.get(place).copied()).collect();
                report.refuse(&path, format!("has {} twice", quoted(&hostlist::fold(&twice))));
                break; // A file can hold many lists of all hosts.
            }
        }
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.compute.get(place)).map(|name| (*name).to_owned()).collect()
    }

    /// Places of the names of a list; `None` when some aren't there.
    fn places(&self, list: &str, path: &KeyPath, report: &mut Report) -> Option<Vec<usize>> {
        if list.eq_ignore_ascii_case("all") {
            return Some((0..self.compute.len()).collect());
        }
        let names = match hostlist::expand(list, MAX_HOSTS) {
            Ok(names) => names,
            Err(error) => {
                report.refuse(path, format!("is no list of hosts: {error}"));
                return None;
            }
        };
        let (known, unknown): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| self.places.contains_key(name.as_str()));
        self.refuse_unknown(&unknown, path, report);
        unknown.is_empty().then(|| known.iter().filter_map(|name| self.places.get(name.as_str()).copied()).collect())
    }

    fn refuse_unknown(&self, names: &[String], path: &KeyPath, report: &mut Report) {
        let (others, unknown): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| self.others.contains(name.as_str()));
        if !others.is_empty() {
            let message = format!("has {}, which runs no jobs", quoted(&hostlist::fold(&others)));
            report.advise(path, message, "give the host the role compute");
        }
        if let Some(first) = unknown.first() {
            let message = format!("has {}, which is no host of this cluster", quoted(&hostlist::fold(&unknown)));
            match did_you_mean(first, self.compute.iter().copied().take(1000)) {
                Some(suggestion) if unknown.len() == 1 => report.advise(path, message, suggestion),
                _ => report.refuse(path, message),
            }
        }
    }
}
