//! The ways a transfer may go.
use super::*;

const CHUNK: u64 = 10;

fn begun(size: u64) -> Transfer {
    let mut transfer = Transfer::new(size, None);
    transfer.start();
    assert_eq!(transfer.next(0.0), Some(Step::Begin));
    assert_eq!(transfer.next(0.0), None, "one begin at a time");
    let total = total_chunks(size, CHUNK).expect("few");
    transfer.began("id".into(), CHUNK, total, None, 0.0);
    transfer
}

fn steps(transfer: &mut Transfer, now_ms: f64) -> Vec<Step> {
    std::iter::from_fn(|| transfer.next(now_ms)).collect()
}

#[test]
fn a_file_goes_through_in_parallel() {
    let mut transfer = begun(55);
    let first = steps(&mut transfer, 0.0);
    assert_eq!(first, (0..4).map(Step::Send).collect::<Vec<_>>());
    transfer.sent(1, 1.0);
    assert_eq!(transfer.done(), 10);
    assert_eq!(steps(&mut transfer, 1.0), [Step::Send(4)]);
    for chunk in [0, 2, 3] {
        transfer.sent(chunk, 2.0);
    }
    assert_eq!(steps(&mut transfer, 2.0), [Step::Send(5)]);
    transfer.sent(4, 3.0);
    assert_eq!(steps(&mut transfer, 3.0), [], "the last one is still under way");
    transfer.sent(5, 4.0);
    assert_eq!(transfer.done(), 55);
    assert_eq!(steps(&mut transfer, 4.0), [Step::Complete]);
    transfer.completed("/data/x".into());
    assert_eq!(transfer.phase(), &Phase::Done("/data/x".into()));
    assert_eq!(steps(&mut transfer, 5.0), []);
}

#[test]
fn an_empty_file_has_no_chunks() {
    let mut transfer = begun(0);
    assert_eq!(steps(&mut transfer, 0.0), [Step::Complete]);
    transfer.completed("/x".into());
    assert_eq!(transfer.done(), 0);
}

#[test]
fn a_file_over_the_limit_never_starts() {
    let mut transfer = Transfer::new(11, Some(10));
    transfer.start();
    assert_eq!(transfer.phase(), &Phase::Failed(Failure::TooLarge(10)));
    assert_eq!(transfer.next(0.0), None);
    assert_eq!(Transfer::new(10, Some(10)).phase(), &Phase::Ready);
}

#[test]
fn a_pause_lets_calls_end_and_sends_no_more() {
    let mut transfer = begun(100);
    steps(&mut transfer, 0.0);
    transfer.pause();
    assert_eq!(transfer.phase(), &Phase::Paused);
    transfer.sent(0, 1.0);
    transfer.sent(1, 1.0);
    assert_eq!(transfer.done(), 20);
    assert_eq!(steps(&mut transfer, 1.0), []);
    transfer.start();
    assert_eq!(steps(&mut transfer, 2.0), [Step::Send(4), Step::Send(5)]);
}

#[test]
fn a_dead_line_is_waited_for_without_end() {
    let mut transfer = begun(10);
    let mut now = 0.0;
    let mut waits = Vec::new();
    for _ in 0..50 {
        let step = transfer.next(now).expect("tries again");
        transfer.failed(&step, Trouble::Line, now, 1.0);
        assert!(transfer.is_retrying());
        assert_eq!(transfer.next(now), None);
        let wake = transfer.wakes_at(now).expect("a time");
        waits.push(wake - now);
        now = wake;
    }
    assert!((waits[0] - 1_000.0).abs() < 1.0 && (waits[1] - 2_000.0).abs() < 1.0);
    assert!((waits[49] - 30_000.0).abs() < 1.0);
    assert_eq!(transfer.next(now), Some(Step::Send(0)));
    transfer.sent(0, now);
    assert!(!transfer.is_retrying());
}

#[test]
fn a_server_that_keeps_failing_ends_in_a_question() {
    let mut transfer = begun(10);
    let mut now = 0.0;
    while let Some(step) = transfer.next(now) {
        transfer.failed(&step, Trouble::Server, now, 0.5);
        now += 60_000.0;
    }
    assert_eq!(transfer.phase(), &Phase::Failed(Failure::ServerTrouble));
    transfer.start();
    assert_eq!(transfer.next(now), Some(Step::Send(0)));
}

#[test]
fn chunks_that_fail_together_count_once() {
    let mut transfer = begun(100);
    for step in steps(&mut transfer, 0.0) {
        transfer.failed(&step, Trouble::Line, 0.0, 1.0);
    }
    assert_eq!(transfer.wakes_at(0.0), Some(1_000.0));
    assert_eq!(steps(&mut transfer, 1_000.0).len(), PARALLEL_CHUNKS);
}

#[test]
fn an_earlier_session_goes_on_where_it_was() {
    let mut transfer = Transfer::earlier(95, "old".into(), CHUNK, 6);
    assert_eq!((transfer.phase(), transfer.done()), (&Phase::NeedsFile, 60));
    assert_eq!(transfer.next(0.0), None);
    transfer.start();
    assert_eq!(transfer.phase(), &Phase::NeedsFile, "there is nothing to send yet");
    transfer.file_is_back();
    assert_eq!(transfer.next(0.0), Some(Step::Begin));
    transfer.began("old".into(), CHUNK, 10, Some(vec![3, 9, 77]), 0.0);
    assert_eq!(transfer.done(), 80);
    assert_eq!(steps(&mut transfer, 0.0), [Step::Send(3), Step::Send(9)]);
}

#[test]
fn chunks_the_server_lost_are_sent_again() {
    let mut transfer = begun(20);
    steps(&mut transfer, 0.0);
    transfer.sent(0, 0.0);
    transfer.sent(1, 0.0);
    assert_eq!(steps(&mut transfer, 0.0), [Step::Complete]);
    transfer.still_missing([1]);
    assert_eq!(steps(&mut transfer, 0.0), [Step::Send(1)]);
    transfer.sent(1, 0.0);
    assert_eq!(steps(&mut transfer, 0.0), [Step::Complete]);
    transfer.failed(&Step::Complete, Trouble::Line, 0.0, 0.0);
    assert_eq!(steps(&mut transfer, 500.0), [Step::Complete]);
}

#[test]
fn a_session_that_is_gone_begins_again() {
    let mut transfer = begun(20);
    steps(&mut transfer, 0.0);
    transfer.forgotten();
    assert_eq!(transfer.done(), 0);
    assert_eq!(steps(&mut transfer, 0.0), [Step::Begin]);
}

#[test]
fn late_answers_of_given_up_chunks_change_nothing() {
    let mut transfer = begun(20);
    steps(&mut transfer, 0.0);
    transfer.forgotten();
    transfer.sent(0, 1.0);
    transfer.failed(&Step::Send(1), Trouble::Final(Failure::Unreadable), 1.0, 0.0);
    assert_eq!(transfer.done(), 0);
    assert_eq!(transfer.phase(), &Phase::Sending);
}

#[test]
fn replacing_is_asked_for_and_never_assumed() {
    let mut transfer = Transfer::new(5, None);
    transfer.start();
    transfer.next(0.0);
    transfer.failed(&Step::Begin, Trouble::Final(Failure::Exists), 0.0, 0.0);
    transfer.start();
    assert_eq!(transfer.phase(), &Phase::Failed(Failure::Exists));
    transfer.start_replacing();
    assert_eq!(transfer.next(0.0), Some(Step::Begin));
}
