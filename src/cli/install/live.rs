//! What only the running cluster can say: nodes that are out, and how long the dashboard's certificate lasts.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Node, NodeState};

use super::shown::{Found, Severity};
use crate::hands::local::Local;
use crate::slurm::Slurm as _;
use crate::slurm::cli::{Cli, CliConfig, detect};
use crate::tls;

/// Longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(10);
const DAY: i64 = 24 * 60 * 60;

/// Nodes that take no work, with Slurm's own reason, those with the same reason together; or why that can't be told.
pub async fn nodes() -> Result<Vec<Found>, Found> {
    let cli = match detect(CliConfig { bin_dir: None, slurm_conf: None, timeout: WITHIN }) {
        Ok(cli) => cli,
        Err(reason) => {
            let fix = "run doctor on a host of the cluster, such as the controller".to_owned();
            let what = format!("nodes can't be looked at from here: {reason}");
            return Err(Found { severity: Severity::Warning, hosts: Vec::new(), what, fix });
        }
    };
    match Cli::new(cli, Arc::new(Local::own(std::env::vars_os()))).nodes().await {
        Ok(nodes) => Ok(judge_nodes(&nodes)),
        Err(error) => {
            let fix = "journalctl -u slurmctld on the controller says why".to_owned();
            Err(Found { severity: Severity::Error, hosts: Vec::new(), what: format!("slurmctld: {error}"), fix })
        }
    }
}

fn judge_nodes(nodes: &[Node]) -> Vec<Found> {
    let mut out: BTreeMap<(Severity, &str, &str), Vec<String>> = BTreeMap::new();
    for node in nodes.iter().filter(|node| !node.is_online() && node.state != NodeState::Maintenance) {
        let severity = if node.state == NodeState::Drain { Severity::Warning } else { Severity::Error };
        let reason = node.reason.as_deref().unwrap_or_default();
        out.entry((severity, &node.state_text, reason)).or_default().push(node.name.clone());
    }
    let found = out.into_iter().map(|((severity, state, reason), hosts)| {
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let list = super::shown::hosts(&hosts);
        let fix = if state.contains('*') {
            format!("slurmd on {list} does not answer: systemctl status slurmd and journalctl -u slurmd there")
        } else {
            format!("when the cause is gone: scontrol update NodeName={list} State=RESUME")
        };
        Found { severity, hosts, what: format!("{state}{because}"), fix }
    });
    found.collect()
}

/// Whether the dashboard answers, and when the certificate that it shows ends.
pub async fn dashboard(url: &str, host: &str, now: UnixSeconds) -> Vec<Found> {
    let error = |what: String, fix: &str| {
        vec![Found { severity: Severity::Error, hosts: vec![host.to_owned()], what, fix: fix.to_owned() }]
    };
    // Nothing is told to the server, and its certificate is what is looked at.
    let client = reqwest::Client::builder().redirect(Policy::none()).timeout(WITHIN).no_proxy().tls_info(true);
    let answer = match client.tls_danger_accept_invalid_certs(true).build() {
        Ok(client) => client.get(format!("{url}/ready")).send().await,
        Err(error) => Err(error),
    };
    let answer = match answer {
        Ok(answer) if answer.status().is_success() => answer,
        Ok(answer) => {
            let what = format!("the dashboard at {url} is not ready: it answers {}", answer.status());
            return error(what, "journalctl -u slurmdash there says why");
        }
        Err(reason) => {
            let what = format!("the dashboard at {url} does not answer: {reason}");
            return error(what, "systemctl status slurmdash and journalctl -u slurmdash there");
        }
    };
    let certificate = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    let Some(ends) = certificate.and_then(tls::ends) else { return Vec::new() };
    judge_end(ends, now)
        .map(|(severity, what)| {
            let fix = "renew it: a new file is taken up by itself; one of slurmdash's own is renewed while it runs"
                .to_owned();
            Found { severity, hosts: vec![host.to_owned()], what, fix }
        })
        .into_iter()
        .collect()
}

fn judge_end(ends: UnixSeconds, now: UnixSeconds) -> Option<(Severity, String)> {
    let days = (ends - now).div_euclid(DAY);
    if ends <= now {
        Some((Severity::Error, "the dashboard's certificate has expired; browsers refuse it".to_owned()))
    } else if days < tls::WARN_DAYS {
        Some((Severity::Warning, format!("the dashboard's certificate ends in {days} days")))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, state: NodeState, text: &str, reason: &str) -> Node {
        Node {
            name: name.into(),
            state,
            state_text: text.into(),
            cpus: 1,
            cpus_allocated: 0,
            memory: 1,
            memory_allocated: 0,
            gpus: 0,
            gpus_allocated: 0,
            load: None,
            reason: (!reason.is_empty()).then(|| reason.into()),
            partitions: Vec::new(),
            features: Vec::new(),
            version: None,
        }
    }

    #[test]
    fn nodes_that_are_out_are_told_with_their_reason_and_what_to_do() {
        let found = judge_nodes(&[
            node("n1", NodeState::Idle, "IDLE", ""),
            node("n2", NodeState::Drain, "IDLE+DRAIN", "disk"),
            node("n3", NodeState::Down, "DOWN*", "Not responding"),
            node("n4", NodeState::Down, "DOWN*", "Not responding"),
            node("n5", NodeState::Maintenance, "MAINT", ""),
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].severity, found[0].hosts.len()), (Severity::Error, 2));
        assert!(found[0].what.contains("Not responding") && found[0].fix.contains("n[3-4]"), "{found:?}");
        assert_eq!(found[1].severity, Severity::Warning);
        assert!(found[1].fix.contains("scontrol update NodeName=n2 State=RESUME"), "{found:?}");
    }

    #[test]
    fn a_certificate_near_its_end_is_a_warning_and_past_it_an_error() {
        assert_eq!(judge_end(100 * DAY, 0), None);
        assert_eq!(judge_end(3 * DAY, 0).unwrap().0, Severity::Warning);
        assert_eq!(judge_end(5, 5).unwrap().0, Severity::Error);
    }
}
