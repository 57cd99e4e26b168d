//! Credits: nobody gets more than was asked for.

use everturn_dispatch::TaskKind;

use crate::fixture::{Fixture, queue, workflow_queue};

#[test]
fn a_worker_without_credits_gets_nothing() {
    let mut f = Fixture::new();
    f.worker(&[queue("a")]);
    f.offer(&queue("a"), 1);
    assert_eq!(f.tasks(), []);
    assert_eq!(f.dispatcher.backlog(), 1);
}

#[test]
fn a_worker_gets_as_many_tasks_as_it_has_credits() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 2);
    for task in 1..=3 {
        f.offer(&queue("a"), task);
    }
    assert_eq!(f.tasks(), [1, 2]);
    f.grant(worker, 1);
    assert_eq!(f.tasks(), [3]);
}

#[test]
fn credits_of_one_kind_are_not_spent_on_the_other() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a"), workflow_queue("a")]);
    f.grant_workflow(worker, 5);
    f.offer(&queue("a"), 1);
    assert_eq!(f.tasks(), []);
    f.offer(&workflow_queue("a"), 2);
    assert_eq!(f.tasks(), [2]);
}

#[test]
fn a_result_does_not_give_a_credit_back_by_itself() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), 1);
    f.offer(&queue("a"), 2);
    assert_eq!(f.tasks(), [1]);
    f.dispatcher.settle(worker, &1);
    assert_eq!(f.tasks(), []);
}

#[test]
fn a_refund_is_good_for_one_more_task() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), 1);
    f.offer(&queue("a"), 2);
    assert_eq!(f.tasks(), [1]);
    f.dispatcher.settle(worker, &1);
    let refunded = f.dispatcher.refund(f.now, worker, TaskKind::Activity);
    assert_eq!(refunded, Ok(()));
    assert_eq!(f.tasks(), [2]);
}

#[test]
fn a_worker_gets_only_from_queues_that_it_serves() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 5);
    f.offer(&queue("b"), 1);
    assert_eq!(f.tasks(), []);
    f.offer(&queue("a"), 2);
    assert_eq!(f.tasks(), [2]);
}

#[test]
fn queues_of_the_same_name_in_other_namespaces_are_other_queues() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 5);
    let mut other = queue("a");
    other.namespace = "other".into();
    f.offer(&other, 1);
    assert_eq!(f.tasks(), []);
}

#[test]
fn a_queue_named_twice_is_served_once() {
    let mut f = Fixture::new();
    f.worker(&[queue("a"), queue("a")]);
    assert_eq!(f.dispatcher.describe(&queue("a")).subscribers, 1);
}
