//! Names of queues come and go: one that nobody uses any more is forgotten.

use everturn_dispatch::{Expired, QueueKey, QueueStats};

use crate::fixture::{ACK_TIMEOUT, Fixture, ORPHAN_GRACE, STICKY_WAIT, queue, workflow_queue};

#[test]
fn ever_new_names_leave_nothing_behind() {
    let mut f = Fixture::new();
    for number in 0..1_000 {
        let name = queue(&format!("queue-{number}"));
        let worker = f.worker(std::slice::from_ref(&name));
        f.grant(worker, 1);
        f.offer(&name, number);
        assert_eq!(f.given(), [(worker, number)]);
        f.dispatcher.settle(worker, &number);
        f.dispatcher
            .unsubscribe(f.now, worker)
            .expect("it is there");
        assert_eq!(f.dispatcher.queue_count(), 0);
    }
}

#[test]
fn a_queue_with_a_task_or_a_worker_is_kept() {
    let mut f = Fixture::new();
    f.offer(&queue("a"), 1);
    let worker = f.worker(&[queue("a"), queue("b")]);
    let other = f.worker(&[queue("b")]);
    assert_eq!(f.dispatcher.queue_count(), 2);
    f.dispatcher
        .unsubscribe(f.now, worker)
        .expect("it is there");
    assert_eq!(f.dispatcher.describe(&queue("a")).backlog, 1);
    assert_eq!(f.dispatcher.describe(&queue("b")).subscribers, 1);
    f.dispatcher.unsubscribe(f.now, other).expect("it is there");
    assert_eq!(f.dispatcher.queue_count(), 1, "its task waits");
    let late = f.worker(&[queue("a")]);
    f.grant(late, 1);
    assert_eq!(f.given(), [(late, 1)]);
}

#[test]
fn a_queue_is_kept_for_what_goes_back_into_it() {
    let mut f = Fixture::new();
    let names = [queue("a"), workflow_queue("a")];
    let leaving = f.worker(&names);
    f.grant(leaving, 1);
    f.offer(&names[0], 1);
    assert_eq!(f.tasks(), [1], "and nobody acknowledges it");
    f.offer_with(&names[1], 2, 5, Some(leaving));
    f.dispatcher
        .unsubscribe(f.now, leaving)
        .expect("it is there");
    assert_eq!(f.dispatcher.queue_count(), 2);
    f.pass(ACK_TIMEOUT + STICKY_WAIT);
    let other = f.worker(&names);
    f.grant(other, 1);
    f.grant_workflow(other, 1);
    assert_eq!(f.tasks(), [1, 2]);
}

#[test]
fn an_orphan_outlives_its_queue_and_is_claimed_or_lost_all_the_same() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 2);
    f.offer(&queue("a"), 1);
    f.offer(&queue("a"), 2);
    assert_eq!(f.acked_tasks(), [1, 2]);
    f.dispatcher
        .unsubscribe(f.now, worker)
        .expect("it is there");
    assert_eq!(f.dispatcher.adopt_orphan(f.now, 3, queue("b")), None);
    assert_eq!(f.dispatcher.queue_count(), 0);
    // Others take the places of the queues that are gone.
    let elsewhere = f.worker(&[workflow_queue("c"), workflow_queue("d")]);
    assert!(f.dispatcher.claim(f.now, elsewhere, &1));
    assert_eq!(f.pass(ORPHAN_GRACE).len(), 2, "the other two are lost");
    f.dispatcher
        .unsubscribe(f.now, elsewhere)
        .expect("it is there");
    assert_eq!(f.pass(ORPHAN_GRACE), [Expired::Lost(1)]);
    assert_eq!(f.dispatcher.queue_count(), 0);
}

#[test]
fn a_queue_in_the_place_of_another_starts_empty() {
    let mut f = Fixture::new();
    let old = f.worker(&[queue("old")]);
    f.grant(old, 5);
    f.dispatcher.unsubscribe(f.now, old).expect("it is there");
    let names: Vec<QueueKey> = ["new", "newer"].map(queue).into();
    f.offer(&names[0], 1);
    assert_eq!(f.given(), [], "the worker of the old one is gone");
    assert_eq!(
        f.dispatcher.describe(&queue("old")),
        QueueStats::default(),
        "its name means nothing any more"
    );
    let worker = f.worker(&names);
    f.grant(worker, 2);
    f.offer(&names[1], 2);
    assert_eq!(f.given(), [(worker, 1), (worker, 2)]);
}
