//! Acknowledgements, redelivery and workers that are wedged.

use everturn_dispatch::{DeliveryId, Expired};

use crate::fixture::{ACK_TIMEOUT, Fixture, MAX_MISSED_ACKS, queue};

#[test]
fn deliveries_of_a_worker_count_from_one() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 2);
    f.offer(&queue("a"), 1);
    f.offer(&queue("a"), 2);
    let ids: Vec<_> = f.assignments().iter().map(|a| a.delivery_id).collect();
    assert_eq!(ids, [DeliveryId(1), DeliveryId(2)]);
}

#[test]
fn what_is_not_acknowledged_in_time_goes_to_another() {
    let mut f = Fixture::new();
    let silent = f.worker(&[queue("a")]);
    f.grant(silent, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.given(), [(silent, 1)]);
    let other = f.worker(&[queue("a")]);
    f.grant(other, 1);
    f.pass(ACK_TIMEOUT - 1);
    assert_eq!(f.given(), []);
    f.pass(1);
    assert_eq!(f.given(), [(other, 1)]);
}

#[test]
fn what_was_acknowledged_stays() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.acked_tasks(), [1]);
    assert_eq!(f.pass(ACK_TIMEOUT * 10), []);
    assert_eq!(f.dispatcher.backlog(), 0);
}

#[test]
fn redelivered_tasks_keep_their_order_before_all_others() {
    let mut f = Fixture::new();
    let silent = f.worker(&[queue("a")]);
    f.grant(silent, 3);
    for task in 1..=5 {
        f.offer(&queue("a"), task);
    }
    assert_eq!(f.tasks(), [1, 2, 3]);
    f.pass(ACK_TIMEOUT);
    let other = f.worker(&[queue("a")]);
    f.grant(other, 5);
    assert_eq!(f.tasks(), [1, 2, 3, 4, 5]);
}

#[test]
fn redelivered_tasks_keep_their_order_when_they_expire_one_by_one() {
    let mut f = Fixture::new();
    let silent = f.worker(&[queue("a")]);
    f.grant(silent, 3);
    for task in 1..=3 {
        f.offer(&queue("a"), task);
        f.now += 10;
    }
    f.offer(&queue("a"), 4);
    assert_eq!(f.tasks(), [1, 2, 3]);
    for _ in 0..4 {
        f.pass(ACK_TIMEOUT / 3);
    }
    let other = f.worker(&[queue("a")]);
    f.grant(other, 4);
    assert_eq!(f.tasks(), [1, 2, 3, 4]);
}

#[test]
fn a_redelivered_task_keeps_its_time_and_priority() {
    let mut f = Fixture::new();
    let silent = f.worker(&[queue("a")]);
    f.grant(silent, 1);
    let offered_at = f.now;
    f.offer_with(&queue("a"), 1, 9, None);
    f.offer_with(&queue("a"), 2, 0, None);
    assert_eq!(f.tasks(), [1]);
    f.pass(ACK_TIMEOUT);
    let other = f.worker(&[queue("a")]);
    f.grant(other, 2);
    let given = f.assignments();
    assert_eq!(given.iter().map(|a| a.task).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(given[1].enqueued_at, offered_at);
}

#[test]
fn a_late_acknowledgement_does_not_take_a_task_from_its_new_worker() {
    let mut f = Fixture::new();
    let silent = f.worker(&[queue("a")]);
    f.grant(silent, 1);
    f.offer(&queue("a"), 1);
    let late = f.assignments()[0].delivery_id;
    let other = f.worker(&[queue("a")]);
    f.grant(other, 1);
    f.pass(ACK_TIMEOUT);
    assert_eq!(f.given(), [(other, 1)]);
    assert_eq!(f.dispatcher.ack(silent, late), Ok(()));
    f.dispatcher.settle(silent, &1);
    f.dispatcher
        .unsubscribe(f.now, silent)
        .expect("it is there");
    assert_eq!(f.pass(ACK_TIMEOUT - 1), []);
    assert_eq!(f.dispatcher.backlog(), 0, "the new worker still has it");
    f.pass(1);
    assert_eq!(f.dispatcher.backlog(), 1, "it has not acknowledged either");
}

#[test]
fn the_credit_of_an_unacknowledged_delivery_is_spent() {
    let mut f = Fixture::new();
    let silent = f.worker(&[queue("a")]);
    f.grant(silent, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.tasks(), [1]);
    f.pass(ACK_TIMEOUT);
    assert_eq!(f.tasks(), []);
    assert_eq!(f.dispatcher.backlog(), 1);
}

#[test]
fn a_worker_that_misses_acknowledgements_in_a_row_is_wedged_once() {
    let mut f = Fixture::new();
    let silent = f.worker(&[queue("a")]);
    f.grant(silent, MAX_MISSED_ACKS + 2);
    f.offer(&queue("a"), 1);
    for _ in 1..MAX_MISSED_ACKS {
        assert_eq!(f.pass(ACK_TIMEOUT), []);
    }
    assert_eq!(f.pass(ACK_TIMEOUT), [Expired::Wedged(silent)]);
    assert_eq!(f.pass(ACK_TIMEOUT), []);
}

#[test]
fn an_acknowledgement_or_a_result_ends_the_row() {
    for with_result in [false, true] {
        let mut f = Fixture::new();
        let worker = f.worker(&[queue("a")]);
        f.grant(worker, 100);
        for round in 0..MAX_MISSED_ACKS {
            f.offer(&queue("a"), round * 2);
            f.tasks();
            f.pass(ACK_TIMEOUT);
            let again = f.assignments();
            if with_result {
                f.dispatcher.settle(worker, &again[0].task);
            } else {
                let acked = f.dispatcher.ack(worker, again[0].delivery_id);
                assert_eq!(acked, Ok(()));
            }
        }
        assert_eq!(f.pass(ACK_TIMEOUT), [], "with a result: {with_result}");
    }
}

#[test]
fn a_task_that_is_offered_again_belongs_to_its_new_worker_alone() {
    let mut f = Fixture::new();
    let first = f.worker(&[queue("a")]);
    f.grant(first, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.acked_tasks(), [1]);
    let second = f.worker(&[queue("a")]);
    f.grant(second, 1);
    // The engine gave up on the first worker.
    f.offer(&queue("a"), 1);
    assert_eq!(f.given(), [(second, 1)]);
    f.dispatcher.unsubscribe(f.now, first).expect("it is there");
    assert_eq!(f.dispatcher.backlog(), 0);
    f.dispatcher
        .unsubscribe(f.now, second)
        .expect("it is there");
    assert_eq!(f.dispatcher.backlog(), 1);
}
