//! Files that are made to hurt.
use std::time::{Duration, Instant};

use super::*;

#[test]
fn hostile_files_are_refused_quickly() {
    let begin = Instant::now();
    let deep = format!("cluster: {}", "[".repeat(100_000));
    let nested: Vec<String> = (0..1000).map(|at| format!("{}a:\n", " ".repeat(at))).collect();
    let nested = nested.concat();
    let bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n".to_owned();
    let long_key = format!("{}: 1", "k".repeat(900_000));
    let many_keys: Vec<String> = (0..60_000).map(|at| format!("key{at}: 1\n")).collect();
    let many_keys = many_keys.concat();
    let many_hosts = format!("hosts:\n{}", "  - {name: \"n[1-10000]\", roles: [compute]}\n".repeat(20_000));
    let big = format!("# {}", "x".repeat(yaml::MAX_FILE));
    let long_name = format!("hosts: [{{name: \"{}[1-10000]\", roles: [compute]}}]", "x".repeat(1_000_000));
    let feature = format!("hosts: [{{name: \"n[1-10000]\", roles: [compute], features: [{}]}}]", "x".repeat(1_000_000));
    let lists = with(&format!("partitions: [{{name: a, nodes: [{}]}}]", "\"n[1-9999]\",".repeat(60_000)));
    let all = with(&format!("partitions: [{{name: a, nodes: [{}]}}]", "all,".repeat(200_000)));
    let partitions = with(&format!("partitions: [{}]", "{name: a, nodes: all},".repeat(40_000)));
    for text in [deep, nested, bomb, long_key, many_keys, many_hosts, big, long_name, feature, lists, all, partitions] {
        let problems = problems(&text);
        assert!((1..=51).contains(&problems.len()), "{problems:#?}");
        assert!(problems.iter().all(|problem| problem.len() < 1000), "{problems:#?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn ten_thousand_hosts_are_taken() {
    let text = "cluster: hpc\nhosts:\n  - {name: head, roles: [controller, dashboard, database]}\n  - {name: \
                \"n[0001-9999]\", roles: [compute]}\npartitions: [{name: a, nodes: \"n[0001-9999]\"}]\n";
    let config = parse(text).unwrap();
    assert_eq!(config.hosts.len(), MAX_HOSTS);
    assert_eq!(config.partitions[0].nodes.len(), MAX_HOSTS - 1);
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn yaml_of_any_shape_is_answered(text in "([a-z\\[\\]{}&*!|>'\"%@#:, ?-]{0,12}\n[ ]{0,4}){0,12}") {
        let _ = parse(&text);
    }

    #[test]
    fn a_file_with_a_wrong_place_is_answered(at in 0..FULL.len(), with in any::<Option<char>>(), gone in 0_usize..6) {
        let mut text: Vec<char> = FULL.chars().collect();
        let at = at.min(text.len() - 1);
        text.splice(at..(at + gone).min(text.len()), with);
        let text: String = text.into_iter().collect();
        match parse(&text) {
            // Whatever is taken can be written and read again.
            Ok(config) => {
                let written = render::render(&config, &[], &BTreeMap::new());
                prop_assert_eq!(parse(&written), Ok(config), "{}", written);
            }
            Err(problems) => {
                let lines = text.lines().count() + 1;
                prop_assert!(problems.iter().all(|problem| (1..=lines).contains(&problem.line) && problem.column > 0));
            }
        }
    }
}
