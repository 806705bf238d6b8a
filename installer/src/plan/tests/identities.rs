//! Users with the same numbers everywhere, and who the first admin is.
use super::*;

#[test]
fn the_first_admin_is_who_ran_sudo_and_stays_that() {
    let config = head_and_nodes();
    let mut facts = facts("debian-12", &config);
    let admin = |facts: &BTreeMap<String, Facts>, config: &Config| {
        let plan = planned(config, facts);
        plan.steps()
            .find_map(|step| match &step.action {
                Action::AddDashboardAdmin(admin) => Some(admin.unix_user.clone()),
                _ => None,
            })
            .unwrap()
    };
    assert_eq!(admin(&facts, &config), "clusteradmin");
    facts.get_mut("head1").unwrap().sudo_user = Some("ada".into());
    facts.get_mut("node001").unwrap().users.retain(|user| user.name != "ada");
    assert_eq!(admin(&facts, &config), "ada");
    let plan = planned(&config, &facts);
    let made = plan.steps().filter(|step| step.host == "node001").find_map(|step| match &step.action {
        Action::AddUser(user) if user.name == "ada" => Some((user.uid, user.with_home)),
        _ => None,
    });
    assert_eq!(made, Some((1000, true)));
    let yaml = text_of(&plan, "head1", "/etc/slurmdash/slurmdash.yaml");
    let head = facts.get_mut("head1").unwrap();
    head.sudo_user = None;
    head.files.insert("/etc/slurmdash/slurmdash.yaml".into(), yaml);
    assert_eq!(admin(&facts, &config), "ada", "another run, by another person");

    let mut given = config;
    given.dashboard.admin.unix_user = Some("ldapuser".into());
    let plan = planned(&given, &facts);
    assert!(!has(&plan, "identities/head1/user ldapuser"), "a directory's user is nobody's to make");
    let findings = judge(&given, &facts, &secrets());
    assert!(findings.iter().any(|finding| finding.what.contains("ldapuser")), "{findings:?}");
    given.dashboard.admin.unix_user = Some("sshd".into());
    assert!(make(&given, &facts, &secrets(), &Limits::default()).is_err(), "a user of the system");
}

#[test]
fn numbers_that_clash_are_named_with_their_hosts() {
    let config = head_and_nodes();
    let mut facts = facts("debian-12", &config);
    let user = |name: &str, uid| User {
        name: name.into(),
        uid,
        gid: uid,
        comment: String::new(),
        home: "/nonexistent".into(),
        shell: "/usr/sbin/nologin".into(),
    };
    facts.get_mut("node001").unwrap().users.push(user("backup", 901));
    let clash = errors(&make(&config, &facts, &secrets(), &Limits::default()).unwrap_err());
    assert!(clash[0].contains("node001: uid 901") && clash[0].contains("munge: {uid: 903, gid: 903}"), "{clash:?}");

    facts.get_mut("node001").unwrap().users.pop();
    facts.get_mut("node001").unwrap().users.push(user("munge", 110));
    facts.get_mut("node002").unwrap().users.push(user("munge", 110));
    let plan = planned(&config, &facts);
    let uids: BTreeSet<u32> = plan
        .steps()
        .filter_map(|step| match &step.action {
            Action::AddUser(user) if user.name == "munge" => Some(user.uid),
            _ => None,
        })
        .collect();
    assert_eq!(uids, BTreeSet::from([110]), "the number that hosts have already is taken for all");

    // munge's number is nobody's but the host's own: where they differ, each keeps its own.
    facts.get_mut("node002").unwrap().users.pop();
    facts.get_mut("node002").unwrap().users.push(user("munge", 111));
    let plan = planned(&config, &facts);
    let uids: Vec<(&str, u32)> = plan
        .steps()
        .filter_map(|step| match &step.action {
            Action::AddUser(user) if user.name == "munge" => Some((step.host.as_str(), user.uid)),
            _ => None,
        })
        .collect();
    assert_eq!(uids, [("head1", 901), ("node001", 110), ("node002", 111)]);
    for (host, uid) in [("node001", 110), ("node002", 111)] {
        facts.get_mut(host).unwrap().users.push(user("slurm", uid + 100));
    }
    let apart = errors(&make(&config, &facts, &secrets(), &Limits::default()).unwrap_err());
    assert!(apart[0].contains("210 on node001, 211 on node002"), "{apart:?}");
}
