//! Who is in the cluster, and who owns what: rows that only the clock of the
//! database judges. All of it may be out of date when it is read; what decides
//! is the fence of an append.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::Result;
use crate::error::Error;
use crate::members::{Beat, Lease, Members, Node, NodeIdentity, Roster};
use crate::postgres::PostgresStore;

/// How many leases after it was last seen a node is forgotten.
const FORGOTTEN_AFTER: i64 = 60;

impl Members for PostgresStore {
    fn identity(&self) -> &NodeIdentity {
        &self.node
    }

    fn lease(&self) -> std::time::Duration {
        self.lease
    }

    fn beat(&self, beat: Beat) -> BoxFuture<'_, Result<Roster>> {
        self.beat_once(beat).boxed()
    }

    fn release(&self, partition: u32, owner_epoch: u32) -> BoxFuture<'_, Result<()>> {
        async move {
            // The epoch goes up, so that nothing under the old one is appended
            // any more.
            sqlx::query(
                "UPDATE leases SET owner_epoch = owner_epoch + 1, node_id = NULL,
                     incarnation = NULL
                 WHERE partition = $1 AND owner_epoch = $2 AND node_id = $3",
            )
            .bind(i64::from(partition))
            .bind(i64::from(owner_epoch))
            .bind(&self.node.id)
            .execute(&self.pulse)
            .await?;
            Ok(())
        }
        .boxed()
    }

    fn leave(&self) -> BoxFuture<'_, Result<()>> {
        async move {
            sqlx::query("DELETE FROM nodes WHERE node_id = $1 AND incarnation = $2")
                .bind(&self.node.id)
                .bind(self.node.incarnation.cast_signed())
                .execute(&self.pulse)
                .await?;
            Ok(())
        }
        .boxed()
    }
}

impl PostgresStore {
    async fn beat_once(&self, beat: Beat) -> Result<Roster> {
        let lease = i64::try_from(self.lease.as_micros()).unwrap_or(i64::MAX);
        // A later start of this node has its row now, and lives: then nothing is
        // written.
        let seen: Option<i64> = sqlx::query_scalar(
            "INSERT INTO nodes (node_id, incarnation, address, version, protocol, draining,
                 started_at, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), clock_timestamp())
             ON CONFLICT (node_id) DO UPDATE SET incarnation = excluded.incarnation,
                 address = excluded.address, version = excluded.version,
                 protocol = excluded.protocol, draining = excluded.draining,
                 started_at = CASE WHEN nodes.incarnation = excluded.incarnation
                     THEN nodes.started_at ELSE excluded.started_at END,
                 seen_at = excluded.seen_at
             WHERE nodes.incarnation <= excluded.incarnation
                 OR nodes.seen_at < clock_timestamp() - $7 * interval '1 microsecond'
             RETURNING 1::bigint",
        )
        .bind(&self.node.id)
        .bind(self.node.incarnation.cast_signed())
        .bind(&beat.address)
        .bind(&beat.version)
        .bind(i64::from(beat.protocol))
        .bind(beat.is_draining)
        .bind(lease)
        .fetch_optional(&self.pulse)
        .await?;
        if seen.is_none() {
            return Err(Error::Superseded(self.node.id.clone()));
        }
        let nodes = sqlx::query(
            "SELECT node_id, incarnation, address, version, protocol, draining,
                 (extract(epoch FROM started_at) * 1000000)::bigint AS started_at,
                 seen_at > clock_timestamp() - $1 * interval '1 microsecond' AS is_alive
             FROM nodes
             WHERE seen_at > clock_timestamp() - $1 * $2 * interval '1 microsecond'
             ORDER BY node_id",
        )
        .bind(lease)
        .bind(FORGOTTEN_AFTER)
        .fetch_all(&self.pulse)
        .await?;
        let leases = sqlx::query(
            "SELECT partition, owner_epoch, node_id, incarnation FROM leases ORDER BY partition",
        )
        .fetch_all(&self.pulse)
        .await?;
        Ok(Roster {
            nodes: nodes.iter().map(node).collect::<Result<_>>()?,
            leases: leases.iter().map(held).collect::<Result<_>>()?,
        })
    }
}

fn node(row: &PgRow) -> Result<Node> {
    Ok(Node {
        identity: NodeIdentity {
            id: row.try_get("node_id")?,
            incarnation: row.try_get::<i64, _>("incarnation")?.cast_unsigned(),
        },
        address: row.try_get("address")?,
        version: row.try_get("version")?,
        protocol: u32::try_from(row.try_get::<i64, _>("protocol")?).unwrap_or(0),
        is_draining: row.try_get("draining")?,
        is_alive: row.try_get("is_alive")?,
        started: row.try_get("started_at")?,
    })
}

fn held(row: &PgRow) -> Result<Lease> {
    let id: Option<String> = row.try_get("node_id")?;
    let incarnation: Option<i64> = row.try_get("incarnation")?;
    Ok(Lease {
        partition: u32::try_from(row.try_get::<i64, _>("partition")?).unwrap_or(u32::MAX),
        owner_epoch: u32::try_from(row.try_get::<i64, _>("owner_epoch")?).unwrap_or(u32::MAX),
        holder: id.map(|id| NodeIdentity {
            id,
            incarnation: incarnation.unwrap_or(0).cast_unsigned(),
        }),
    })
}
