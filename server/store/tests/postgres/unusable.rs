//! Databases that are not used, and why.

use everturn_store::{Error, PostgresStore};
use everturn_test_postgres::Server;
use sqlx::Executor as _;

use crate::place::PostgresPlace;

async fn refusal(place: &PostgresPlace) -> String {
    match PostgresStore::open(place.options()).await {
        Err(Error::Unusable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_schema_with_tables_of_another_application_is_left_alone() {
    let place = PostgresPlace::new();
    place.store().await.expect("it is made");
    let mut session = place.session().await;
    for statement in ["DROP TABLE leases", "CREATE TABLE customers (id BIGINT)"] {
        session.execute(statement).await.expect("it is ours");
    }
    assert!(refusal(&place).await.contains("another application"));
}

#[tokio::test]
async fn a_server_that_would_forget_is_refused() {
    let server = Server::start(&[("synchronous_commit", "off")]).expect("there is a PostgreSQL");
    let why = refusal(&PostgresPlace::on(&server)).await;
    assert!(why.contains("synchronous_commit"), "{why}");
}

#[tokio::test]
async fn a_database_of_a_later_version_and_another_number_of_partitions_are_refused() {
    let place = PostgresPlace::new();
    place.store().await.expect("it is made");
    let mut options = place.options();
    options.partitions = Some(3);
    let refused = PostgresStore::open(options).await;
    assert!(matches!(refused, Err(Error::Unusable(_))), "{refused:?}");
    let mut session = place.session().await;
    let later =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, '', 0)";
    session.execute(later).await.expect("it is ours");
    let why = refusal(&place).await;
    assert!(why.contains("later version"), "{why}");
}

#[tokio::test]
async fn a_password_is_never_told() {
    let place = PostgresPlace::new();
    let mut options = place.options();
    options.url = "postgres://ada:s3cret@127.0.0.1:1/everturn?sslmode=what".into();
    let refused = PostgresStore::open(options.clone()).await;
    let text = format!("{refused:?} {options:?}");
    assert!(!text.contains("s3cret"), "{text}");
}
