//! Files of other applications: refused with what they are, and left alone.

use everturn_store::{Error, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::place::SqlitePlace;

/// A database that these statements make.
async fn made_by(statements: &[&'static str]) -> SqlitePlace {
    let place = SqlitePlace::new();
    let options = SqliteConnectOptions::new()
        .filename(place.file(""))
        .create_if_missing(true);
    let mut connection = options.connect().await.expect("it is new");
    for statement in statements {
        let executed = sqlx::query(*statement).execute(&mut connection).await;
        executed.expect("SQL");
    }
    connection.close().await.expect("nothing is in the way");
    place
}

async fn refused(statements: &[&'static str], text: &str) {
    let place = made_by(statements).await;
    let before = std::fs::read(place.file("")).expect("it is there");
    match SqliteStore::open(place.options()).await {
        Err(Error::Unusable(said)) => assert!(said.contains(text), "{said}"),
        other => panic!("not refused: {other:?}"),
    }
    let after = std::fs::read(place.file("")).expect("it is there");
    assert!(before == after, "nothing was changed in it");
}

#[tokio::test]
async fn a_database_of_another_application_is_refused_with_what_it_is() {
    refused(&["CREATE TABLE invoices (id INTEGER)"], "tables: invoices").await;
    // One with its own migrations looks most like ours.
    let migrated = [
        "CREATE TABLE _sqlx_migrations (version BIGINT)",
        "CREATE TABLE log (line TEXT)",
    ];
    refused(&migrated, "another application").await;
    let marked = ["PRAGMA application_id = 252006674"];
    refused(&marked, "0x0f055112").await;
}

#[tokio::test]
async fn a_file_of_ours_is_marked_once_and_opens_again() {
    let place = SqlitePlace::new();
    for _ in 0..2 {
        let store = place.store().await.expect("it is ours");
        everturn_store::Store::close(&*store)
            .await
            .expect("nothing is in the way");
    }
    let header = std::fs::read(place.file("")).expect("it is there");
    // <https://sqlite.org/fileformat.html#the_database_header>
    assert_eq!(&header[68..72], b"EVTN");
}
