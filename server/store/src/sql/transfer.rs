//! Statements that read a whole store: the same for all SQL databases.

use std::collections::BTreeMap;

use sqlx::Pool;

use crate::Result;
use crate::row::{ApprovalRow, HistoryChunk, MessageChunk, RootKey, RunRow};
use crate::sql::read::with_values;
use crate::sql::rows::Columns as _;
use crate::sql::statement::Statement;
use crate::sql::{Sql, int, rows};
use crate::transfer::{RootPage, Totals};

/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 512;

pub(crate) async fn totals<DB: Sql>(pool: &Pool<DB>) -> Result<Totals> {
    let counts = Statement::<DB>::new(
        "SELECT (SELECT count(*) FROM roots) AS roots, (SELECT count(*) FROM runs) AS runs,
         (SELECT count(*) FROM approvals) AS approvals, (SELECT count(*) FROM log) AS log",
    );
    let Some(row) = counts.row(pool).await? else {
        return Ok(Totals::default());
    };
    Ok(Totals {
        roots: rows::number(&row, "roots")?,
        runs: rows::number(&row, "runs")?,
        approvals: rows::number(&row, "approvals")?,
        log: rows::number(&row, "log")?,
    })
}

pub(crate) async fn all_roots<DB: Sql>(
    pool: &Pool<DB>,
    after: i64,
    limit: usize,
) -> Result<RootPage> {
    let rows = Statement::<DB>::new(
        "SELECT roots.*, state_values.version, state_values.payload FROM roots
         LEFT JOIN state_values ON state_values.root = roots.id
         WHERE roots.id IN (SELECT id FROM roots WHERE id > ",
    )
    .int(after)
    .sql(" ORDER BY id LIMIT ")
    .int(int(limit as u64))
    .sql(") ORDER BY roots.id, version")
    .rows(pool)
    .await?;
    let mut partitions = BTreeMap::new();
    for row in &rows {
        let partition = u32::try_from(row.int("partition")?).unwrap_or(u32::MAX);
        partitions.insert(row.int("id")?, partition);
    }
    let found = with_values(&rows)?;
    let next = found.last().map(|(id, _)| *id);
    let next = next.filter(|_| found.len() == limit);
    let page = found
        .into_iter()
        .map(|(id, root)| (partitions[&id], root))
        .collect();
    Ok((page, next))
}

pub(crate) async fn runs_of<DB: Sql>(pool: &Pool<DB>, keys: Vec<RootKey>) -> Result<Vec<RunRow>> {
    below(
        pool,
        "SELECT * FROM runs WHERE namespace = ",
        keys,
        rows::run,
    )
    .await
}

pub(crate) async fn transcripts_of<DB: Sql>(
    pool: &Pool<DB>,
    keys: Vec<RootKey>,
) -> Result<Vec<MessageChunk>> {
    let text = "SELECT * FROM messages WHERE namespace = ";
    below(pool, text, keys, rows::messages).await
}

pub(crate) async fn approvals_of<DB: Sql>(
    pool: &Pool<DB>,
    keys: Vec<RootKey>,
) -> Result<Vec<ApprovalRow>> {
    let text = "SELECT * FROM approvals WHERE namespace = ";
    below(pool, text, keys, rows::approval).await
}

/// Rows that belong to roots.
async fn below<DB: Sql, T>(
    pool: &Pool<DB>,
    text: &'static str,
    keys: Vec<RootKey>,
    read: impl Fn(&DB::Row) -> Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    for (namespace, ids) in by_namespace(keys) {
        for ids in ids.chunks(KEYS_PER_STATEMENT) {
            let rows = Statement::<DB>::new(text)
                .text(&namespace)
                .sql(" AND root_id")
                .one_of_texts(ids.iter().cloned())
                .rows(pool)
                .await?;
            for row in &rows {
                found.push(read(row)?);
            }
        }
    }
    Ok(found)
}

pub(crate) async fn journals_of<DB: Sql>(
    pool: &Pool<DB>,
    run_ids: Vec<[u8; 16]>,
) -> Result<Vec<HistoryChunk>> {
    let mut found = Vec::new();
    for run_ids in run_ids.chunks(KEYS_PER_STATEMENT) {
        let rows = Statement::<DB>::new("SELECT * FROM history WHERE run_id")
            .one_of_bytes(run_ids.iter().map(|run_id| run_id.to_vec()))
            .rows(pool)
            .await?;
        for row in &rows {
            found.push(rows::history(row)?);
        }
    }
    Ok(found)
}

fn by_namespace(keys: Vec<RootKey>) -> BTreeMap<String, Vec<String>> {
    let mut grouped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in keys {
        let ids = grouped.entry(key.namespace.to_string()).or_default();
        ids.push(key.root_id.to_string());
    }
    grouped
}
