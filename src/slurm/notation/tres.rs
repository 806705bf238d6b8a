//! Trackable resources: `cpu=4,mem=4000M,node=1,billing=4,gres/gpu=2`.
//!
//! Source: slurm.conf(5) `AccountingStorageTRES`; squeue(1) `tres-alloc`, scontrol(1) `CfgTRES`, sacct(1) `ReqTRES`.
//! GPUs are also written as `gpu:2` or `gres:gpu:a100:2(S:0-1)` (squeue `tres-per-node`, scontrol `Gres`): [`gpus`].

use super::memory;

/// The resources this program looks at; anything else in the text is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tres {
    /// CPUs.
    pub cpus: Option<u32>,
    /// Memory, MiB.
    pub memory: Option<u64>,
    /// Nodes.
    pub nodes: Option<u32>,
    /// GPUs of every type together.
    pub gpus: u32,
}

/// Reads a TRES string. What can't be read is left out: the list is open-ended and admins add to it.
pub fn parse(text: &str) -> Tres {
    let mut tres = Tres::default();
    let (mut untyped, mut typed) = (None, 0_u32);
    for (name, value) in text.split(',').filter_map(|item| item.split_once('=')) {
        match name {
            "cpu" => tres.cpus = value.parse().ok(),
            "mem" => tres.memory = memory::parse(value).ok(),
            "node" => tres.nodes = value.parse().ok(),
            "gres/gpu" => untyped = value.parse::<u32>().ok(),
            _ if name.starts_with("gres/gpu:") => typed = typed.saturating_add(value.parse().unwrap_or(0)),
            _ => {}
        }
    }
    // `gres/gpu` counts all types; the typed entries say the same once more where an admin tracks them too.
    tres.gpus = untyped.unwrap_or(typed);
    tres
}

/// Counts the GPUs in a gres list such as `gpu:2`, `gpu:a100:2(S:0-1),nvme:1`, `gres:gpu:1` or `gres/gpu:a100:4`.
pub fn gpus(text: &str) -> u32 {
    split_outside_parentheses(text).into_iter().map(gpus_of_one).fold(0, u32::saturating_add)
}

fn gpus_of_one(item: &str) -> u32 {
    let item = item.strip_prefix("gres").map_or(item, |rest| rest.trim_start_matches([':', '/']));
    let item = item.split_once('(').map_or(item, |(before, _)| before);
    let mut fields = item.split([':', '=']);
    if fields.next() != Some("gpu") {
        return 0;
    }
    // `gpu` and `gpu:a100` mean one.
    fields.next_back().map_or(Some(1), |count| count.parse().ok()).unwrap_or(1)
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    text.split(|c: char| {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_slurm_prints() {
        let tres = parse("cpu=4,mem=4000M,node=2,billing=4,gres/gpu=2,gres/gpu:a100=2");
        assert_eq!(tres, Tres { cpus: Some(4), memory: Some(4000), nodes: Some(2), gpus: 2 });
        assert_eq!(parse("gres/gpu:a100=1,gres/gpu:t4=2").gpus, 3);
        assert_eq!(parse(""), Tres::default());
        assert_eq!(parse("(null)"), Tres::default());
        assert_eq!(parse("cpu=x,=,,mem").cpus, None);
    }

    #[test]
    fn counts_gpus_in_gres() {
        for (text, count) in [
            ("gpu:2", 2),
            ("gpu", 1),
            ("gpu:a100", 1),
            ("gpu:a100:4(S:0-1)", 4),
            ("gres:gpu:1", 1),
            ("gres/gpu:2", 2),
            ("gres/gpu:a100=3", 3),
            ("gpu:a100:2(IDX:0,1),gpu:t4:1,nvme:5", 3),
            ("(null)", 0),
            ("N/A", 0),
            ("", 0),
        ] {
            assert_eq!(gpus(text), count, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = (parse(&text), gpus(&text));
        }
    }
}
