//! What commits wait for.

use bytes::Bytes;
use sqlx::{Connection as _, Row as _};

use super::{Fsync, append, history};
use crate::row::{Append, HistoryChunk};
use crate::sqlite::{SqliteOptions, open};

#[tokio::test]
async fn appends_wait_for_the_disk_and_the_view_does_not_however_often_they_alternate() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions::new(folder.path().join("everturn.db"));
    let mut connection = open::open(&options).await.expect("it opens").writer;
    // Statements are kept prepared: what they set has to be set each time.
    for sequence in 1..=4 {
        let row = Append {
            partition: 0,
            owner_epoch: 1,
            sequence,
            payload: Bytes::from_static(b"x"),
        };
        let written = append(&mut connection, Some(Fsync::Full), &[&row]).await;
        written.expect("it is written");
        // <https://sqlite.org/pragma.html#pragma_synchronous>: 2 is FULL.
        assert_eq!(level(&mut connection).await, 2);
        let chunk = HistoryChunk {
            run_id: [0; 16],
            first_event_id: sequence,
            last_event_id: sequence,
            payload: Bytes::from_static(b"x"),
        };
        let written = history(&mut connection, Some(Fsync::Later), &[chunk]).await;
        written.expect("it is written");
        assert_eq!(level(&mut connection).await, 1, "1 is NORMAL");
    }
    connection.close().await.expect("it closes");
}

async fn level(connection: &mut sqlx::SqliteConnection) -> i64 {
    let row = sqlx::query("PRAGMA synchronous")
        .fetch_one(connection)
        .await;
    row.expect("it is told").get(0)
}
