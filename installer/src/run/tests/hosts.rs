//! Several hosts.
use super::*;

/// A head, a node that the head can do without, and a last stage on both.
fn with_a_node() -> Lab {
    let mut lab = Lab::new(&["head", "node"]);
    lab.stage(&["node"]);
    lab.step("head", conf(), &[]);
    lab.step("node", conf(), &[]);
    lab.stage(&["node"]);
    lab.step("head", file("/etc/later", "x"), &[]);
    lab.step("node", file("/etc/later", "x"), &[]);
    lab
}

#[test]
fn a_host_that_fails_and_is_not_needed_takes_no_further_part() {
    let lab = with_a_node();
    lab.fake("node").fail_at(1, Moment::Before);
    let report = lab.apply();
    assert_eq!(report.ended, Ended::Done);
    assert_eq!(report.left_out.keys().collect::<Vec<_>>(), ["node"]);
    assert!(report.failures.iter().all(|failure| failure.leaves_out && failure.host == "node"));
    assert_eq!(lab.text("head", "/etc/later").as_deref(), Some("x"));
    assert_eq!(lab.text("node", "/etc/later"), None);
    assert!(status(&lab.journal()).unwrap().next.contains("(node)"));
    let report = lab.apply();
    assert_eq!((report.ended, report.left_out.len(), report.changed.len()), (Ended::Done, 0, 2));
}

#[test]
fn a_host_that_is_away_is_left_out_when_it_is_not_needed() {
    let lab = with_a_node();
    *lab.reached["node"].away.lock().unwrap() = true;
    let shown = lab.preview();
    assert!(shown.away["node"].can_be_left_out);
    assert!(shown.changes.iter().all(|change| change.host == "head"));
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!((report.ended, report.left_out["node"].as_str()), (Ended::Done, "no route to host"));
    // Nothing to do is said with who was not asked.
    let report = lab.apply();
    assert_eq!((report.ended, report.left_out.len()), (Ended::NothingToDo, 1));
}

#[test]
fn a_host_that_is_away_and_needed_stops_everything_before_it_begins() {
    let lab = with_a_node();
    *lab.reached["head"].away.lock().unwrap() = true;
    let error = lab.apply_as_shown(&lab.preview(), &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "head can't be reached, and others need it: no route to host");
    assert_eq!(lab.text("node", CONF).as_deref(), Some("old\n"));
}

#[test]
fn what_a_host_that_is_left_out_would_have_caused_is_not_due() {
    let mut lab = Lab::new(&["head", "node"]);
    lab.stage(&["node"]);
    let cause = lab.step("node", conf(), &[]);
    lab.step("node", group("munge", 27), &[]);
    lab.stage(&[]);
    lab.step("head", restart(), &[&cause]);
    let shown = lab.preview();
    assert!(shown.is_empty(), "{shown:#?}");
    assert_eq!(shown.left_out().keys().collect::<Vec<_>>(), ["node"]);
}

#[test]
fn a_host_is_asked_once_for_all_that_stays_as_it_is() {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    for number in 0..50 {
        lab.step("a", file(&format!("/etc/{number}"), "x"), &[]);
        lab.fake("a").put_file(&format!("/etc/{number}"), "x", 0o644);
    }
    lab.step("a", conf(), &[]);
    let looks = || lab.reached["a"].looks.swap(0, Ordering::SeqCst);
    let shown = lab.preview();
    assert_eq!(looks(), 1);
    lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!(looks(), 2, "one for those that stay, one right before the one that changes");
}

/// Lets go of one host when the other is done.
struct Release(Sender<()>, Mutex<Vec<String>>);
impl Watch for Release {
    fn saw(&self, event: &Event<'_>) {
        if let Event::StepDone { step, host, .. } = event {
            self.1.lock().unwrap().push(step.0.clone());
            if *host == "b" {
                let _ = self.0.send(());
            }
        }
    }
}

#[test]
fn hosts_of_a_stage_work_at_the_same_time_and_stages_wait_for_each_other() {
    let mut lab = Lab::new(&["a", "b"]);
    lab.stage(&[]);
    lab.step("a", conf(), &[]);
    lab.step("b", conf(), &[]);
    lab.stage(&[]);
    lab.step("b", file("/etc/later", "x"), &[]);
    // The first host is held up until the other one is done: in turns, that would never end.
    let (release, hold): (Sender<()>, _) = channel();
    *lab.reached["a"].hold.lock().unwrap() = Some(hold);
    let watch = Release(release, Mutex::default());
    let shown = lab.preview();
    let options = Options::default();
    apply(&lab.plan, &shown, &lab.hosts(), &mut lab.journal(), &watch, &lab.control, &options).unwrap();
    let done = watch.1.into_inner().unwrap();
    assert_eq!(
        done,
        ["configuration/b/file /etc/app.conf", "configuration/a/file /etc/app.conf", "configuration/b/file /etc/later"]
    );
}

#[test]
fn a_preview_as_json_says_what_changes_and_not_what_was_there() {
    let (lab, ..) = with_restart();
    lab.fake("a").put_file(CONF, "hidden before\n", 0o600);
    let json = serde_json::to_value(lab.preview()).unwrap();
    assert_eq!(json["changes"][0]["step"], "configuration/a/file /etc/app.conf");
    assert_eq!(json["changes"][0]["phase"], "configuration");
    assert!(!json.to_string().contains("hidden before"), "{json}");
}
