//! Workers that come back and claim what they still run.

use everturn_dispatch::Expired;

use crate::fixture::{ACK_TIMEOUT, Fixture, ORPHAN_GRACE, queue};

/// An orphan: its worker acknowledged it and left.
fn orphaned(f: &mut Fixture, task: u32) {
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), task);
    assert_eq!(f.acked_tasks(), [task]);
    f.dispatcher
        .unsubscribe(f.now, worker)
        .expect("it is there");
}

#[test]
fn a_worker_that_comes_back_in_time_keeps_its_task_without_a_credit() {
    let mut f = Fixture::new();
    orphaned(&mut f, 1);
    f.now += ORPHAN_GRACE - 1;
    let back = f.worker(&[queue("a")]);
    assert!(f.dispatcher.claim(f.now, back, &1));
    assert_eq!(f.pass(ORPHAN_GRACE), []);
    assert_eq!(f.pass(ACK_TIMEOUT), []);
    f.grant(back, 1);
    f.offer(&queue("a"), 2);
    assert_eq!(f.tasks(), [2]);
}

#[test]
fn a_claim_after_the_grace_is_refused() {
    let mut f = Fixture::new();
    orphaned(&mut f, 1);
    assert_eq!(f.pass(ORPHAN_GRACE), [Expired::Lost(1)]);
    let back = f.worker(&[queue("a")]);
    assert!(!f.dispatcher.claim(f.now, back, &1));
}

#[test]
fn a_task_is_claimed_by_one_worker_only() {
    let mut f = Fixture::new();
    orphaned(&mut f, 1);
    let first = f.worker(&[queue("a")]);
    let second = f.worker(&[queue("a")]);
    assert!(f.dispatcher.claim(f.now, first, &1));
    assert!(!f.dispatcher.claim(f.now, second, &1));
}

#[test]
fn a_task_that_waits_or_is_unknown_cannot_be_claimed() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.offer(&queue("a"), 1);
    assert!(!f.dispatcher.claim(f.now, worker, &1));
    assert!(!f.dispatcher.claim(f.now, worker, &99));
    assert_eq!(f.dispatcher.backlog(), 1);
}

#[test]
fn a_worker_that_is_gone_claims_nothing_and_the_orphan_remains() {
    let mut f = Fixture::new();
    orphaned(&mut f, 1);
    let gone = f.worker(&[queue("a")]);
    f.dispatcher.unsubscribe(f.now, gone).expect("it is there");
    assert!(!f.dispatcher.claim(f.now, gone, &1));
    assert_eq!(f.pass(ORPHAN_GRACE), [Expired::Lost(1)]);
}

#[test]
fn a_worker_that_comes_back_twice_gets_a_whole_grace_each_time() {
    let mut f = Fixture::new();
    orphaned(&mut f, 1);
    f.pass(ORPHAN_GRACE / 2);
    let back = f.worker(&[queue("a")]);
    assert!(f.dispatcher.claim(f.now, back, &1));
    f.dispatcher.unsubscribe(f.now, back).expect("it is there");
    assert_eq!(f.pass(ORPHAN_GRACE - 1), []);
    assert_eq!(f.pass(1), [Expired::Lost(1)]);
}

#[test]
fn the_result_of_an_orphan_settles_it() {
    let mut f = Fixture::new();
    orphaned(&mut f, 1);
    let back = f.worker(&[queue("a")]);
    f.dispatcher.settle(back, &1);
    assert_eq!(f.pass(ORPHAN_GRACE), []);
}

#[test]
fn the_result_of_a_claimed_task_settles_it() {
    let mut f = Fixture::new();
    orphaned(&mut f, 1);
    let back = f.worker(&[queue("a")]);
    assert!(f.dispatcher.claim(f.now, back, &1));
    f.dispatcher.settle(back, &1);
    f.dispatcher.unsubscribe(f.now, back).expect("it is there");
    assert_eq!(f.pass(ORPHAN_GRACE), []);
}

#[test]
fn a_task_adopted_after_a_restart_can_be_claimed_or_is_lost() {
    let mut f = Fixture::new();
    assert_eq!(f.dispatcher.adopt_orphan(f.now, 1, queue("a")), None);
    assert_eq!(f.dispatcher.adopt_orphan(f.now, 2, queue("a")), None);
    let back = f.worker(&[queue("a")]);
    assert!(f.dispatcher.claim(f.now, back, &1));
    assert_eq!(f.pass(ORPHAN_GRACE - 1), []);
    assert_eq!(f.pass(1), [Expired::Lost(2)]);
}

#[test]
fn a_task_that_a_connected_worker_has_is_not_an_orphan() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.acked_tasks(), [1]);
    let holder = f.dispatcher.adopt_orphan(f.now, 1, queue("a"));
    assert_eq!(holder, Some(worker));
    assert_eq!(f.pass(2 * ORPHAN_GRACE), []);
}
