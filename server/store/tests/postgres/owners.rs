//! Several owners of a partition: of two, one writes.

use std::sync::Arc;
use std::time::Duration;

use everturn_store::conformance::rows::{Owned, whole_log};
use everturn_store::{Beat, Error, Members as _, PostgresStore, Store};

use crate::place::PostgresPlace;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

fn shared(store: &Arc<PostgresStore>) -> Arc<dyn Store> {
    Arc::clone(store) as Arc<dyn Store>
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_under_way_while_another_node_acquires_is_in_its_log_or_was_refused() {
    let place = PostgresPlace::new();
    // Nobody says that it lives: each may take what the other has.
    let nodes = [place.node("a", LONG).await, place.node("b", LONG).await];
    let mut owner = Owned::take(&shared(&nodes[0]), 0)
        .await
        .expect("it is free");
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..200 {
        let (old, new) = (&nodes[round % 2], &nodes[(round + 1) % 2]);
        let append = owner.next(format!("{round}"));
        let sequence = append.sequence;
        let (appended, taken) = tokio::join!(old.append(vec![append]), new.acquire(0));
        let (epoch, end) = taken.expect("nobody lives");
        match appended {
            Ok(()) => {
                assert!(end >= sequence, "{end} {sequence}");
                accepted += 1;
            }
            Err(Error::OwnershipLost { .. }) => {
                assert!(end < sequence, "{end} {sequence}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
        owner = Owned {
            partition: 0,
            epoch,
            sequence: end,
        };
    }
    let log = whole_log(&shared(&nodes[0]), 0).await.expect("it is open");
    assert_eq!(log.len(), accepted, "{refused} were refused");
    assert!(
        log.iter()
            .zip(1..)
            .all(|((sequence, _), at)| *sequence == at)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_acquire_at_once_the_later_one_writes() {
    let place = PostgresPlace::new();
    let (a, b) = (place.node("a", LONG).await, place.node("b", LONG).await);
    for _ in 0..50 {
        let (one, other) = tokio::join!(a.acquire(3), b.acquire(3));
        let (one, other) = (one.expect("nobody lives"), other.expect("nobody lives"));
        assert_ne!(one.0, other.0);
        let take = |(epoch, sequence)| Owned {
            partition: 3,
            epoch,
            sequence,
        };
        let (mut winner, mut loser) = (take(one), take(other));
        let (mut winning, mut losing) = (shared(&a), shared(&b));
        if winner.epoch < loser.epoch {
            std::mem::swap(&mut winner, &mut loser);
            std::mem::swap(&mut winning, &mut losing);
        }
        let lost = loser.append(&losing, "lost").await;
        assert!(matches!(lost, Err(Error::OwnershipLost { .. })), "{lost:?}");
        winner
            .append(&winning, "won")
            .await
            .expect("it is the owner");
    }
}

#[tokio::test]
async fn a_node_that_lives_is_not_robbed_and_one_that_is_silent_is() {
    let place = PostgresPlace::new();
    let lease = Duration::from_millis(400);
    let (a, b) = (place.node("a", lease).await, place.node("b", lease).await);
    let roster = a.beat(Beat::default()).await.expect("it answers");
    assert_eq!(roster.nodes.len(), 1);
    assert!(roster.leases.iter().all(|lease| lease.holder.is_none()));
    let mut owned = Owned::take(&shared(&a), 0).await.expect("it is free");
    owned.append(&shared(&a), "one").await.expect("it is ours");
    let held = b.acquire(0).await;
    assert!(
        matches!(&held, Err(Error::Held { node, .. }) if node == "a"),
        "{held:?}"
    );
    let roster = b.beat(Beat::default()).await.expect("it answers");
    assert_eq!(roster.nodes.len(), 2);
    assert!(roster.is_held(&roster.leases[0]));
    // Its silence is what is waited for.
    let mut taken = b.acquire(0).await;
    while matches!(taken, Err(Error::Held { .. })) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        taken = b.acquire(0).await;
    }
    let (_, end) = taken.expect("it was silent for a lease");
    assert_eq!(end, 1);
    let lost = owned.append(&shared(&a), "two").await;
    assert!(matches!(lost, Err(Error::OwnershipLost { .. })), "{lost:?}");
}

#[tokio::test]
async fn a_partition_that_was_let_go_is_free_at_once_and_its_epoch_is_over() {
    let place = PostgresPlace::new();
    let (a, b) = (place.node("a", LONG).await, place.node("b", LONG).await);
    for node in [&a, &b] {
        node.beat(Beat::default()).await.expect("it answers");
    }
    let mut owned = Owned::take(&shared(&a), 0).await.expect("it is free");
    owned.append(&shared(&a), "one").await.expect("it is ours");
    assert!(matches!(b.acquire(0).await, Err(Error::Held { .. })));
    a.release(0, owned.epoch).await.expect("it is ours");
    let lost = owned.append(&shared(&a), "two").await;
    assert!(matches!(lost, Err(Error::OwnershipLost { .. })), "{lost:?}");
    let (_, end) = b.acquire(0).await.expect("it is free");
    assert_eq!(end, 1);
    // Letting go of what another node has does nothing.
    a.release(0, owned.epoch).await.expect("it answers");
    assert!(matches!(a.acquire(0).await, Err(Error::Held { .. })));
}

#[tokio::test]
async fn a_process_with_the_id_of_a_later_one_is_told_so() {
    let place = PostgresPlace::new();
    let mut later = place.options();
    later.node.incarnation = 2;
    later.lease = LONG;
    let later = PostgresStore::open(later).await.expect("the server runs");
    let mut earlier = place.options();
    earlier.lease = LONG;
    let earlier = PostgresStore::open(earlier).await.expect("the server runs");
    earlier.beat(Beat::default()).await.expect("it is alone");
    later.beat(Beat::default()).await.expect("it is later");
    let replaced = earlier.beat(Beat::default()).await;
    assert!(
        matches!(replaced, Err(Error::Superseded(_))),
        "{replaced:?}"
    );
    later.beat(Beat::default()).await.expect("it goes on");
}
