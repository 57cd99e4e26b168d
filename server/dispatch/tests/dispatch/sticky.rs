//! Tasks that should go to the worker that has their run in its cache.

use crate::fixture::{Fixture, STICKY_WAIT, queue, workflow_queue};

#[test]
fn a_sticky_task_goes_to_its_worker_out_of_turn() {
    let mut f = Fixture::new();
    let first = f.worker(&[workflow_queue("a")]);
    let second = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(first, 2);
    f.grant_workflow(second, 2);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(second));
    f.offer_with(&workflow_queue("a"), 2, 5, Some(second));
    assert_eq!(f.given(), [(second, 1), (second, 2)]);
}

#[test]
fn a_sticky_task_waits_for_its_worker_even_if_another_is_idle() {
    let mut f = Fixture::new();
    let busy = f.worker(&[workflow_queue("a")]);
    let idle = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(idle, 1);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(busy));
    assert_eq!(f.given(), []);
    assert_eq!(f.dispatcher.backlog(), 1);
    f.pass(STICKY_WAIT - 1);
    f.grant_workflow(busy, 1);
    assert_eq!(f.given(), [(busy, 1)]);
    assert_eq!(f.dispatcher.backlog(), 0);
}

#[test]
fn after_the_wait_anybody_may_have_a_sticky_task() {
    let mut f = Fixture::new();
    let busy = f.worker(&[workflow_queue("a")]);
    let idle = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(idle, 1);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(busy));
    f.pass(STICKY_WAIT);
    assert_eq!(f.given(), [(idle, 1)]);
    assert_eq!(f.dispatcher.backlog(), 0);
}

#[test]
fn a_worker_with_new_credit_takes_what_waits_for_it_first() {
    let mut f = Fixture::new();
    let worker = f.worker(&[workflow_queue("a")]);
    f.offer(&workflow_queue("a"), 1);
    f.offer_with(&workflow_queue("a"), 2, 5, Some(worker));
    f.grant_workflow(worker, 2);
    assert_eq!(f.tasks(), [2, 1]);
}

#[test]
fn the_wait_of_a_task_that_was_offered_again_starts_again() {
    let mut f = Fixture::new();
    let worker = f.worker(&[workflow_queue("a")]);
    let idle = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(idle, 1);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(worker));
    f.pass(STICKY_WAIT / 2);
    f.grant_workflow(worker, 1);
    assert_eq!(f.given(), [(worker, 1)]);
    f.dispatcher.settle(worker, &1);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(worker));
    f.pass(STICKY_WAIT / 2);
    assert_eq!(
        f.given(),
        [],
        "the wait of the first offer ended, not this one"
    );
    f.pass(STICKY_WAIT / 2);
    assert_eq!(f.given(), [(idle, 1)]);
}

#[test]
fn tasks_that_waited_long_enough_keep_their_order() {
    let mut f = Fixture::new();
    let busy = f.worker(&[workflow_queue("a")]);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(busy));
    f.offer_with(&workflow_queue("a"), 2, 5, Some(busy));
    f.offer(&workflow_queue("a"), 3);
    f.offer_with(&workflow_queue("a"), 4, 5, Some(busy));
    f.pass(STICKY_WAIT);
    let idle = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(idle, 4);
    assert_eq!(f.tasks(), [1, 2, 3, 4]);
}

#[test]
fn a_sticky_worker_that_is_gone_draining_or_elsewhere_is_ignored() {
    let mut f = Fixture::new();
    let gone = f.worker(&[workflow_queue("a")]);
    f.dispatcher.unsubscribe(f.now, gone).expect("it was there");
    let draining = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(draining, 5);
    f.dispatcher.drain(f.now, draining).expect("it is there");
    let elsewhere = f.worker(&[workflow_queue("b")]);
    f.grant_workflow(elsewhere, 5);
    let here = f.worker(&[workflow_queue("a")]);
    f.grant_workflow(here, 5);
    for (task, sticky) in [(1, gone), (2, draining), (3, elsewhere)] {
        f.offer_with(&workflow_queue("a"), task, 5, Some(sticky));
    }
    assert_eq!(f.given(), [(here, 1), (here, 2), (here, 3)]);
}

#[test]
fn a_sticky_task_counts_as_waiting_in_its_queue() {
    let mut f = Fixture::new();
    let worker = f.worker(&[workflow_queue("a"), queue("a")]);
    f.offer_with(&workflow_queue("a"), 1, 5, Some(worker));
    f.now += 10;
    f.offer(&workflow_queue("a"), 2);
    let stats = f.dispatcher.describe(&workflow_queue("a"));
    assert_eq!(stats.backlog, 2);
    assert_eq!(stats.oldest_enqueued_at, Some(f.now - 10));
    assert_eq!(f.dispatcher.describe(&queue("a")).backlog, 0);
}
