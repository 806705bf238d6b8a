//! What processes use, by process group, as the kernel counts it. Source: proc(5), `/proc/pid/stat`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// How old a look may be.
const FRESH: Duration = Duration::from_millis(900);

/// What a process group uses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Used {
    /// CPU time so far, that of ended children that somebody has waited for included, seconds.
    pub cpu: f64,
    /// Memory at once, KiB.
    pub resident: u64,
}

/// The last look at every group: one look serves all jobs.
#[derive(Debug, Default)]
pub struct Look(Option<(Instant, HashMap<i32, Used>)>);

impl Look {
    /// What a group uses; looks anew when the last look is old or does not know it.
    pub fn of(&mut self, group: Pid) -> Option<Used> {
        let group = group.as_raw_nonzero().get();
        let known = |look: &Self| {
            look.0.as_ref().filter(|(at, _)| at.elapsed() < FRESH).and_then(|(_, groups)| groups.get(&group).copied())
        };
        known(self).or_else(|| {
            self.0 = Some((Instant::now(), groups()));
            known(self)
        })
    }
}

fn groups() -> HashMap<i32, Used> {
    let mut groups: HashMap<i32, Used> = HashMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit)) {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some((group, used)) = read(&stat) {
            let sum = groups.entry(group).or_default();
            sum.cpu += used.cpu;
            sum.resident = sum.resident.saturating_add(used.resident);
        }
    }
    groups
}

/// CPU time of a process that has ended but was not waited for yet, its children's included, seconds.
pub fn cpu_in_the_end(pid: Pid) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    read(&stat).map(|(_, used)| used.cpu)
}

fn read(stat: &str) -> Option<(i32, Used)> {
    // The name before may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |nth: usize| fields.get(nth).and_then(|field| field.parse::<u32>().ok());
    let ticks = [11, 12, 13, 14].map(number).into_iter().flatten().map(f64::from).sum::<f64>();
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok().filter(|ticks| *ticks > 0)?;
    let pages: u64 = fields.get(21)?.parse().ok()?;
    let resident = pages.saturating_mul(rustix::param::page_size() as u64) / 1024;
    Some((fields.get(2)?.parse().ok()?, Used { cpu: ticks / f64::from(per_second), resident }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_pass_for_numbers() {
        let stat = "7 (a) R 1 9 (b) S 1 42 7 0 -1 0 0 0 0 0 150 50 100 0 20 0 1 0 0 0 256 0";
        let (group, used) = read(stat).unwrap();
        assert_eq!(group, 42);
        let ticks = u32::try_from(rustix::param::clock_ticks_per_second()).unwrap();
        assert!((used.cpu * f64::from(ticks) - 300.0).abs() < 1e-6);
        assert_eq!(used.resident, 256 * rustix::param::page_size() as u64 / 1024);
        assert_eq!((read(""), read("7 (x) R"), read("7 (x) R 1 a")), (None, None, None));
    }
}
