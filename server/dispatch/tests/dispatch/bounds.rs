//! Bounds: a call beyond one is refused with a typed error and changes
//! nothing; and the figures that people see.

use everturn_dispatch::{
    AckMode, DeliveryId, Error, Options, QueueKey, QueueStats, SubscriberId, TaskKind,
};

use crate::fixture::{Fixture, options, queue, workflow_queue};

#[test]
fn too_many_workers_are_refused() {
    let mut f = Fixture::with(Options {
        max_subscribers: 1,
        ..options()
    });
    let first = f.worker(&[queue("a")]);
    let second = f
        .dispatcher
        .subscribe(f.now, &[queue("a")], "late".into(), AckMode::Explicit);
    assert!(matches!(second, Err(Error::LimitExceeded { limit: 1, .. })));
    assert_eq!(f.dispatcher.describe(&queue("a")).subscribers, 1);
    f.dispatcher.unsubscribe(f.now, first).expect("it is there");
    f.worker(&[queue("a")]);
}

#[test]
fn too_many_queues_of_a_worker_are_refused() {
    let mut f = Fixture::with(Options {
        max_queues: 2,
        ..options()
    });
    let queues: Vec<QueueKey> = ["a", "b", "c"].map(queue).into();
    let refused = f
        .dispatcher
        .subscribe(f.now, &queues, "wide".into(), AckMode::Explicit);
    assert!(matches!(
        refused,
        Err(Error::LimitExceeded { limit: 2, .. })
    ));
    assert_eq!(f.dispatcher.identities().count(), 0);
    assert_eq!(f.dispatcher.describe(&queue("a")).subscribers, 0);
}

#[test]
fn too_many_credits_are_refused_and_none_is_added() {
    let mut f = Fixture::with(Options {
        max_credits: 3,
        ..options()
    });
    let worker = f.worker(&[queue("a"), workflow_queue("a")]);
    f.grant(worker, 2);
    for count in [2, u32::MAX] {
        let refused = f.dispatcher.grant(f.now, worker, TaskKind::Activity, count);
        assert!(matches!(
            refused,
            Err(Error::LimitExceeded { limit: 3, .. })
        ));
    }
    f.grant_workflow(worker, 3);
    for task in 1..=5 {
        f.offer(&queue("a"), task);
    }
    assert_eq!(f.tasks(), [1, 2]);
}

#[test]
fn a_refund_is_never_refused_for_its_number() {
    let mut f = Fixture::with(Options {
        max_credits: 1,
        ..options()
    });
    let worker = f.worker(&[queue("a")]);
    f.grant(worker, 1);
    f.offer(&queue("a"), 1);
    assert_eq!(f.tasks(), [1]);
    f.grant(worker, 1);
    f.dispatcher.settle(worker, &1);
    let refunded = f.dispatcher.refund(f.now, worker, TaskKind::Activity);
    assert_eq!(refunded, Ok(()));
    f.offer(&queue("a"), 2);
    f.offer(&queue("a"), 3);
    assert_eq!(f.tasks(), [2, 3]);
}

#[test]
fn calls_for_an_unknown_worker_are_refused() {
    let mut f = Fixture::new();
    let nobody = SubscriberId(7);
    let unknown = Err(Error::UnknownSubscriber);
    assert_eq!(
        f.dispatcher.grant(f.now, nobody, TaskKind::Activity, 1),
        unknown
    );
    assert_eq!(
        f.dispatcher.refund(f.now, nobody, TaskKind::Activity),
        unknown
    );
    assert_eq!(f.dispatcher.ack(nobody, DeliveryId(1)), unknown);
    assert_eq!(f.dispatcher.drain(f.now, nobody), unknown);
    assert_eq!(f.dispatcher.unsubscribe(f.now, nobody), unknown);
    assert!(!f.dispatcher.claim(f.now, nobody, &1));
    f.dispatcher.settle(nobody, &1);
}

#[test]
fn the_backlog_says_when_it_is_over_its_bound() {
    let mut f = Fixture::with(Options {
        max_backlog: 2,
        ..options()
    });
    for task in 1..=2 {
        f.offer(&queue("a"), task);
    }
    assert!(!f.dispatcher.is_over_backlog());
    let worker = f.worker(&[queue("a")]);
    f.offer_with(&queue("a"), 3, 5, Some(worker));
    assert!(f.dispatcher.is_over_backlog());
    f.grant(worker, 1);
    assert!(!f.dispatcher.is_over_backlog());
}

#[test]
fn a_queue_shows_its_backlog_its_oldest_task_and_its_workers() {
    let mut f = Fixture::new();
    assert_eq!(f.dispatcher.describe(&queue("a")), QueueStats::default());
    let first = f.now;
    f.offer_with(&queue("a"), 1, 9, None);
    f.now += 50;
    f.offer_with(&queue("a"), 2, 0, None);
    f.worker(&[queue("a"), queue("b")]);
    let stats = f.dispatcher.describe(&queue("a"));
    let expected = QueueStats {
        unserved_since: stats.unserved_since,
        backlog: 2,
        oldest_enqueued_at: Some(first),
        subscribers: 1,
    };
    assert_eq!(stats, expected);
    assert_eq!(f.dispatcher.describe(&queue("b")).backlog, 0);
    assert_eq!(f.dispatcher.backlog(), 2);
}

#[test]
fn workers_are_known_by_their_identities() {
    let mut f = Fixture::new();
    let worker = f.worker(&[queue("a")]);
    let known: Vec<_> = f.dispatcher.identities().collect();
    assert_eq!(known, [(worker, "worker")]);
}
