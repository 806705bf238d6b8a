//! Lines as they are written by hand.
use proptest::prelude::*;

use super::*;

fn pair(name: &str, value: &str) -> Pair {
    Pair { name: name.into(), value: value.into() }
}

#[test]
fn lines_are_read_in_order_as_slurm_reads_them() {
    let conf = Conf::parse(
        "# a comment \\\nClusterName=hpc # another\nslurmctldhost=head1(10.0.0.1)\n\nSlurmctldHost=head2\n\
         Prolog = \"/a b\" Epilog=/c\nNodeName=n[1-2] \\\n  CPUs=4 \\ \n  RealMemory=100\r\n\
         include  more.conf\nJobComment=a\\#b\\\\c\nwhat is this\nNoValue=\nPartitionName=p Nodes=ALL \\",
    );
    let lines: Vec<(usize, Said)> = conf.lines.into_iter().map(|line| (line.number, line.said)).collect();
    assert_eq!(
        lines,
        [
            (2, Said::Options(vec![pair("ClusterName", "hpc")])),
            (3, Said::Options(vec![pair("slurmctldhost", "head1(10.0.0.1)")])),
            (5, Said::Options(vec![pair("SlurmctldHost", "head2")])),
            (6, Said::Options(vec![pair("Prolog", "/a b"), pair("Epilog", "/c")])),
            (7, Said::Record(vec![pair("NodeName", "n[1-2]"), pair("CPUs", "4"), pair("RealMemory", "100")])),
            (10, Said::Include("more.conf".into())),
            (11, Said::Options(vec![pair("JobComment", "a#b\\c")])),
            (12, Said::Malformed("what is this".into())),
            (13, Said::Malformed("NoValue=".into())),
            (14, Said::Record(vec![pair("PartitionName", "p"), pair("Nodes", "ALL")])),
        ]
    );
}

#[test]
fn the_last_value_holds_and_defaults_go_before() {
    let conf = Conf::parse(
        "A=1\na=2\nSlurmctldHost=x\nSlurmctldHost=y\nNodeName=DEFAULT CPUs=2 Weight=1\nNodeName=a\nNodeName=default \
         cpus=4\nNodeName=b Weight=3\nPartitionName=p Nodes=a\n",
    );
    assert_eq!(conf.get("A"), Some("2"));
    assert_eq!(conf.get("B"), None);
    assert_eq!(conf.all("slurmctldhost").collect::<Vec<_>>(), ["x", "y"]);
    let nodes = conf.records("NodeName");
    let seen: Vec<_> = nodes.iter().map(|node| (node.name.as_str(), node.get("CPUs"), node.get("weight"))).collect();
    assert_eq!(seen, [("a", Some("2"), Some("1")), ("b", Some("4"), Some("3"))]);
    assert_eq!(conf.records("partitionname").len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        Conf::parse(&text).records("NodeName");
    }

    #[test]
    fn any_lines_are_read(text in "([A-Za-z]{0,4}[=\"\\\\# \\t]{0,3}[a-z0-9,\\[\\]]{0,4}\r?\n?){0,20}") {
        let conf = Conf::parse(&text);
        prop_assert!(conf.lines.windows(2).all(|two| two[0].number < two[1].number));
    }

    #[test]
    fn what_is_written_is_read_again(
        pairs in prop::collection::vec(("[A-Za-z_.0-9]{1,8}", "[^\"\\s[:cntrl:]][^\"\r\n\\p{Cc}]{0,10}[^\"\\s[:cntrl:]]|[ ]?"), 1..6)
    ) {
        let pairs: Vec<Pair> = pairs.iter().map(|(name, value)| pair(name, value)).collect();
        let line = pairs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let conf = Conf::parse(&line);
        prop_assert_eq!(conf.lines.len(), 1, "{}", line);
        let (Said::Options(read) | Said::Record(read)) = &conf.lines[0].said else { panic!("{line}: {conf:?}") };
        prop_assert_eq!(read, &pairs, "{}", line);
    }
}
