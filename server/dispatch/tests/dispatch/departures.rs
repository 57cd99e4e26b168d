//! Workers that drain or go away.

use everturn_dispatch::Expired;

use crate::fixture::{ACK_TIMEOUT, Fixture, ORPHAN_GRACE, queue, workflow_queue};

#[test]
fn a_draining_worker_gets_nothing_more_and_keeps_what_it_has() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 5);
    f.offer(&queue("a"), 1);
    assert_eq!(f.acked_tasks(), [1]);
    f.dispatcher.drain(f.now, worker).expect("it is there");
    f.offer(&queue("a"), 2);
    f.grant(worker, 1);
    assert_eq!(f.tasks(), []);
    f.pass(ACK_TIMEOUT);
    assert_eq!(f.dispatcher.backlog(), 1);
}

#[test]
fn draining_gives_to_others_what_waited_for_the_worker() {
    let mut f = Fixture::new();
    let leaving = f.worker(&[workflow_queue("a")]);
    let staying = f.worker(&[workflow_queue("a")]);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(leaving));
    f.offer_with(&workflow_queue("a"), 2, 5, Some(leaving));
    f.grant_workflow(staying, 2);
    assert_eq!(f.given(), []);
    f.dispatcher.drain(f.now, leaving).expect("it is there");
    assert_eq!(f.given(), [(staying, 1), (staying, 2)]);
    assert_eq!(f.dispatcher.backlog(), 0);
}

#[test]
fn withdrawn_tasks_wait_no_longer_and_may_be_offered_again() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a"), workflow_queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.tasks(), [1], "the worker has it");
    f.offer(&queue("a"), 2);
    f.offer(&queue("a"), 3);
    f.offer_with(&workflow_queue("a"), 4, 5, Some(worker));
    f.offer(&queue("b"), 6);
    f.dispatcher.withdraw(|task| *task != 3);
    assert_eq!(f.dispatcher.backlog(), 1);
    assert_eq!(f.dispatcher.queue_count(), 2, "nobody uses the other one");
    f.offer(&queue("a"), 2);
    f.grant(worker, 5);
    f.grant_workflow(worker, 5);
    assert_eq!(f.tasks(), [3, 2]);
    f.pass(ACK_TIMEOUT);
    assert_eq!(f.tasks(), [1, 3, 2], "what it has is still its");
}

#[test]
fn unacknowledged_tasks_of_a_worker_that_left_go_to_the_front_in_order() {
    let mut f = Fixture::new();
    let leaving = f.worker(&[queue("a")]);
    f.grant(leaving, 3);
    for task in 1..=5 {
        f.offer(&queue("a"), task);
    }
    assert_eq!(f.tasks(), [1, 2, 3]);
    f.dispatcher
        .unsubscribe(f.now, leaving)
        .expect("it is there");
    assert_eq!(f.dispatcher.backlog(), 5);
    let other = f.worker(&[queue("a")]);
    f.grant(other, 5);
    assert_eq!(f.tasks(), [1, 2, 3, 4, 5]);
}

#[test]
fn what_waited_for_a_worker_that_left_goes_to_others() {
    let mut f = Fixture::new();
    let leaving = f.worker(&[workflow_queue("a")]);
    let staying = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(staying, 1);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(leaving));
    f.dispatcher
        .unsubscribe(f.now, leaving)
        .expect("it is there");
    assert_eq!(f.given(), [(staying, 1)]);
    assert_eq!(f.dispatcher.backlog(), 0);
}

#[test]
fn acknowledged_activities_of_a_worker_that_left_are_lost_after_a_grace() {
    let mut f = Fixture::new();
    let leaving = f.worker(&[queue("a")]);
    f.grant(leaving, 2);
    f.offer(&queue("a"), 1);
    f.offer(&queue("a"), 2);
    assert_eq!(f.acked_tasks(), [1, 2]);
    f.dispatcher
        .unsubscribe(f.now, leaving)
        .expect("it is there");
    assert_eq!(f.pass(ORPHAN_GRACE - 1), []);
    assert_eq!(f.pass(1), [Expired::Lost(1), Expired::Lost(2)]);
    assert_eq!(f.pass(ORPHAN_GRACE), []);
}

#[test]
fn acknowledged_workflow_tasks_of_a_worker_that_left_are_lost_at_once() {
    let mut f = Fixture::new();
    let leaving = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(leaving, 1);
    f.offer(&workflow_queue("a"), 1);
    assert_eq!(f.acked_tasks(), [1]);
    f.dispatcher
        .unsubscribe(f.now, leaving)
        .expect("it is there");
    assert_eq!(f.pass(0), [Expired::Lost(1)]);
    assert_eq!(f.pass(0), []);
}

#[test]
fn a_settled_task_does_not_come_back_when_its_worker_leaves() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.tasks(), [1]);
    f.dispatcher.settle(worker, &1);
    f.dispatcher
        .unsubscribe(f.now, worker)
        .expect("it is there");
    assert_eq!(f.pass(ORPHAN_GRACE), []);
    assert_eq!(f.dispatcher.backlog(), 0);
}

#[test]
fn a_poll_needs_no_acknowledgement_and_what_it_took_stays_taken() {
    let mut f = Fixture::new();
    let poller = f.poller(&[queue("a")]);
    f.grant(poller, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.given(), [(poller, 1)]);
    assert_eq!(f.pass(ACK_TIMEOUT), []);
    f.dispatcher
        .unsubscribe(f.now, poller)
        .expect("it is there");
    assert_eq!(f.pass(ORPHAN_GRACE), []);
    assert_eq!(f.dispatcher.backlog(), 0);
}
