//! Order within a queue, and turns between workers and queues.

use crate::fixture::{Fixture, queue};

#[test]
fn tasks_leave_in_the_order_of_offers() {
    let mut f = Fixture::new();
    for task in 1..=5 {
        f.offer(&queue("a"), task);
    }
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 5);
    assert_eq!(f.tasks(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_lower_number_of_priority_goes_first() {
    let mut f = Fixture::new();
    for (task, priority) in [(1, 9), (2, 5), (3, 0), (4, 5)] {
        f.offer_with(&queue("a"), task, priority, None);
    }
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 4);
    assert_eq!(f.tasks(), [3, 2, 4, 1]);
}

#[test]
fn a_priority_beyond_nine_counts_as_nine() {
    let mut f = Fixture::new();
    for (task, priority) in [(1, 200), (2, 9), (3, 8)] {
        f.offer_with(&queue("a"), task, priority, None);
    }
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 3);
    assert_eq!(f.tasks(), [3, 1, 2]);
}

#[test]
fn workers_with_credit_take_turns() {
    let mut f = Fixture::new();
    let workers: Vec<_> = (0..3).map(|_| f.worker(&[queue("a")])).collect();
    for worker in &workers {
        f.grant(*worker, 10);
    }
    for task in 0..30 {
        f.offer(&queue("a"), task);
    }
    let given = f.given();
    for (at, (worker, _)) in given.iter().enumerate() {
        assert_eq!(*worker, workers[at % 3]);
    }
    assert_eq!(given.len(), 30);
}

#[test]
fn a_worker_with_little_credit_does_not_stop_the_others() {
    let mut f = Fixture::new();
    let small = f.worker(&[queue("a")]);
    let large = f.worker(&[queue("a")]);
    f.grant(small, 1);
    f.grant(large, 4);
    for task in 1..=5 {
        f.offer(&queue("a"), task);
    }
    let given = f.given();
    assert_eq!(
        given.iter().filter(|(worker, _)| *worker == small).count(),
        1
    );
    assert_eq!(
        given.iter().filter(|(worker, _)| *worker == large).count(),
        4
    );
}

#[test]
fn a_worker_serves_its_queues_in_turn() {
    let mut f = Fixture::new();
    for task in 1..=3 {
        f.offer(&queue("a"), task);
        // Nothing waits in "b": "c" must not profit from that.
        f.offer(&queue("c"), task + 10);
    }
    let worker = f.worker(&[queue("a"), queue("b"), queue("c")]);
    f.grant(worker, 6);
    assert_eq!(f.tasks(), [1, 11, 2, 12, 3, 13]);
}

#[test]
fn workers_that_come_and_go_leave_nothing_behind() {
    let mut f = Fixture::new();
    for _ in 0..100 {
        let poller = f.poller(&[queue("a")]);
        f.grant(poller, 1);
        f.dispatcher
            .unsubscribe(f.now, poller)
            .expect("it was there");
    }
    f.offer(&queue("a"), 1);
    assert_eq!(f.tasks(), []);
    assert_eq!(f.dispatcher.describe(&queue("a")).subscribers, 0);
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    assert_eq!(f.given(), [(worker, 1)]);
}
