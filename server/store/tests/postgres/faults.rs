//! What happens between a store and its server: whatever is lost, an append is
//! answered with what became of it.

use std::sync::Arc;
use std::time::Duration;

use everturn_store::conformance::rows::{Owned, key, root, whole_log};
use everturn_store::{Error, PostgresOptions, PostgresStore, Store};
use everturn_test_postgres::Server;
use sqlx::Executor as _;

use crate::place::PostgresPlace;
use crate::proxy::{Network, Proxy};

/// A store behind a network, and the place that it is in.
async fn behind_a_network() -> (PostgresPlace, Proxy, Arc<dyn Store>) {
    let place = PostgresPlace::new();
    let (before, _) = place.url.rsplit_once('/').expect("it has a database");
    let (_, port) = before.rsplit_once(':').expect("it has a port");
    let proxy = Proxy::to(port.parse().expect("a number")).await;
    let options = PostgresOptions {
        url: proxy.url(&place.url),
        timeout: Duration::from_millis(500),
        ..place.options()
    };
    let store = PostgresStore::open(options).await;
    (place, proxy, Arc::new(store.expect("the network is good")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_is_written_once_and_answered() {
    let (_place, proxy, store) = behind_a_network().await;
    let mut owned = Owned::take(&store, 0).await.expect("it is free");
    owned.append(&store, "zero").await.expect("it is good");
    for (round, network) in (1..).zip([
        Network::LosesAnswers,
        Network::LosesQuestions,
        Network::Silent,
        Network::LosesAnswers,
    ]) {
        proxy.set(network);
        let before = proxy.losses();
        let good_again = async {
            while network != Network::Silent && proxy.losses() < before + 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            proxy.set(Network::Good);
        };
        let append = owned.next(format!("{network:?}"));
        let (appended, ()) = tokio::join!(store.append(vec![append]), good_again);
        appended.expect("the network is good again");
        let log = whole_log(&store, 0).await.expect("it is good");
        assert_eq!(log.len(), round + 1, "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_counts_although_another_node_has_taken_the_partition() {
    let (place, proxy, store) = behind_a_network().await;
    let other = place.node("other", Duration::from_secs(5)).await;
    let mut owned = Owned::take(&store, 0).await.expect("it is free");
    for network in [Network::LosesAnswers, Network::LosesQuestions] {
        proxy.set(network);
        let before = proxy.losses();
        let append = owned.next("between");
        let sequence = append.sequence;
        let taken_meanwhile = async {
            while proxy.losses() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let taken = other.acquire(0).await.expect("nobody lives");
            proxy.set(Network::Good);
            taken
        };
        let (appended, (_, end)) = tokio::join!(store.append(vec![append]), taken_meanwhile);
        match appended {
            Ok(()) => assert!(end >= sequence, "{network:?}: {end} {sequence}"),
            Err(Error::OwnershipLost { .. }) => assert!(end < sequence, "{network:?}"),
            refused => panic!("{refused:?}"),
        }
        owned = Owned::take(&store, 0).await.expect("nobody lives");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_started_again_has_every_append_once() {
    let server = Server::start(&[("fsync", "on")]).expect("there is a PostgreSQL");
    let place = PostgresPlace::on(&server);
    let store: Arc<dyn Store> = place.store().await.expect("it runs");
    let appending = async {
        let mut owned = Owned::take(&store, 0).await.expect("it is free");
        let begin = std::time::Instant::now();
        let mut appended = 0;
        while begin.elapsed() < Duration::from_secs(4) {
            owned.append(&store, "row").await.expect("it comes back");
            appended += 1;
        }
        appended
    };
    let flushing = async {
        let owned = Owned::take(&store, 1).await.expect("it is free");
        for round in 0..100 {
            let mut flush = owned.flush();
            flush.roots = (0..50).map(|n| root(&format!("{round}-{n}"))).collect();
            store.flush(flush).await.expect("it comes back");
        }
    };
    let killing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let restarted =
                tokio::task::block_in_place(|| server.kill().and_then(|()| server.restart()));
            restarted.expect("it starts again");
        }
    };
    let (appended, (), ()) = tokio::join!(appending, flushing, killing);
    let log = whole_log(&store, 0).await.expect("it runs");
    assert_eq!(log.len(), appended);
    assert!(
        log.iter()
            .zip(1..)
            .all(|((sequence, _), at)| *sequence == at)
    );
    let keys = (0..50)
        .map(|n| key("default", &format!("99-{n}")))
        .collect();
    assert_eq!(store.load_roots(1, keys).await.expect("it runs").len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_takes_the_place_of_its_primary_has_every_append_once() {
    // What was acknowledged is at both.
    let primary = Server::start(&[("fsync", "on"), ("synchronous_standby_names", "*")]);
    let primary = primary.expect("there is a PostgreSQL");
    let standby = primary.standby().expect("it starts");
    let place = PostgresPlace::on(&primary);
    let proxy = Proxy::to(primary.port().expect("it is ours")).await;
    let options = PostgresOptions {
        url: proxy.url(&place.url),
        ..place.options()
    };
    let store = PostgresStore::open(options).await.expect("it runs");
    let store: Arc<dyn Store> = Arc::new(store);
    let appending = async {
        let mut owned = Owned::take(&store, 0).await.expect("it is free");
        let begin = std::time::Instant::now();
        let mut appended = 0;
        while begin.elapsed() < Duration::from_secs(3) {
            owned.append(&store, "row").await.expect("it goes on");
            appended += 1;
        }
        appended
    };
    let promoting = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::task::block_in_place(|| primary.kill()).expect("it runs");
        // For a moment it is a standby for those that come.
        proxy.turn_to(standby.port().expect("it is ours"));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut session = PostgresPlace::on(&standby).maintenance().await;
        for statement in [
            "ALTER SYSTEM SET synchronous_standby_names = ''",
            "SELECT pg_reload_conf()",
            "SELECT pg_promote()",
        ] {
            session.execute(statement).await.expect("it is a superuser");
        }
    };
    let (appended, ()) = tokio::join!(appending, promoting);
    let log = whole_log(&store, 0).await.expect("it runs");
    assert_eq!(log.len(), appended);
    assert!(
        log.iter()
            .zip(1..)
            .all(|((sequence, _), at)| *sequence == at)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_connections_is_waited_for() {
    let server = Server::start(&[("max_connections", "12")]).expect("there is a PostgreSQL");
    let place = PostgresPlace::on(&server);
    let store: Arc<dyn Store> = place.store().await.expect("it runs");
    let mut owned = Owned::take(&store, 0).await.expect("it is free");
    // Takes the session of the store away, and all that are left.
    let mut guests = vec![place.session().await];
    let killed = guests[0]
        .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'everturn'")
        .await;
    killed.expect("it is a superuser");
    while let Ok(guest) =
        <sqlx::postgres::PgConnection as sqlx::Connection>::connect(&place.url).await
    {
        guests.push(guest);
        assert!(guests.len() < 20, "there is an end to them");
    }
    let leaving = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        guests.clear();
    };
    let (appended, ()) = tokio::join!(owned.append(&store, "one"), leaving);
    appended.expect("there are connections again");
    assert_eq!(whole_log(&store, 0).await.expect("it runs").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_broke_off_is_done_again() {
    let place = PostgresPlace::new();
    place
        .store()
        .await
        .expect("it runs")
        .close()
        .await
        .expect("closed");
    let mut session = place.session().await;
    let name = place.url.rsplit('/').next().expect("it has a name");
    // Statements that wait for a lock are broken off; rows that changed
    // meanwhile are serialization failures.
    for setting in [
        "statement_timeout = '50ms'",
        "default_transaction_isolation = 'repeatable read'",
    ] {
        let set = format!("ALTER DATABASE {name} SET {setting}");
        session
            .execute(sqlx::AssertSqlSafe(set))
            .await
            .expect("it is ours");
    }
    let store: Arc<dyn Store> = place.store().await.expect("it runs");
    let mut owned = Owned::take(&store, 0).await.expect("it is free");
    let mut flush = owned.flush();
    flush.roots.push(root("order-7"));
    session
        .execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        .await
        .expect("it is open");
    // The row changes, but not what it says.
    session
        .execute("UPDATE leases SET owner_epoch = owner_epoch WHERE partition = 0")
        .await
        .expect("nobody else writes");
    let releasing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        session.execute("COMMIT").await.expect("it was begun");
    };
    let (appended, flushed, ()) =
        tokio::join!(owned.append(&store, "one"), store.flush(flush), releasing);
    appended.expect("the lock is gone");
    flushed.expect("the lock is gone");
    assert_eq!(whole_log(&store, 0).await.expect("it runs").len(), 1);
}

#[tokio::test]
async fn a_log_that_came_back_without_its_last_rows_gets_no_gap() {
    let place = PostgresPlace::new();
    let store: Arc<dyn Store> = place.store().await.expect("it runs");
    let mut owned = Owned::take(&store, 0).await.expect("it is free");
    for text in ["one", "two", "three"] {
        owned.append(&store, text).await.expect("it is ours");
    }
    // As after the promotion of a standby that was behind.
    let mut session = place.session().await;
    let lost = session.execute("DELETE FROM log WHERE sequence = 3").await;
    lost.expect("it is there");
    let refused = owned.append(&store, "four").await;
    assert!(matches!(refused, Err(Error::Other(_))), "{refused:?}");
    let mut again = Owned::take(&store, 0).await.expect("it is ours");
    assert_eq!(again.sequence, 2);
    again
        .append(&store, "another three")
        .await
        .expect("it is ours");
}
