//! Writing the view: one connection for a share of the partitions, each part
//! one statement, fenced like an append. No lock outlives its statement: a node
//! that stops in the middle keeps nobody from taking its partitions.

use futures::future::BoxFuture;
use sqlx::postgres::PgConnection;

use crate::Result;
use crate::flush_progress::{FlushProgress, Part};
use crate::postgres::link::{Link, Work};
use crate::postgres::view::{self, Fence};
use crate::row::Flush;

/// Rows of one statement.
const ROWS_PER_STATEMENT: usize = 512;

/// Writes a flush.
pub(super) async fn flush(link: &mut Link, flush: Flush) -> Result<()> {
    let mut progress = FlushProgress::new(flush);
    let fence = Fence {
        partition: progress.partition,
        epoch: progress.owner_epoch,
    };
    // Also one with nothing in it is refused when its owner is stale.
    loop {
        let (part, _) = progress.next_part(ROWS_PER_STATEMENT);
        let is_trim = matches!(part, Part::Trim(_));
        let is_complete = link.until_known(&FencedPart { fence, part }).await?;
        if is_trim && is_complete {
            progress.trimmed();
        }
        if progress.is_complete() {
            return Ok(());
        }
    }
}

/// A part that is written if the fence holds.
struct FencedPart {
    fence: Fence,
    part: Part,
}

impl Work for FencedPart {
    /// Whether nothing of its kind is left.
    type Output = bool;

    fn run<'c>(&'c self, connection: &'c mut PgConnection) -> BoxFuture<'c, Result<bool>> {
        Box::pin(async move {
            let fence = self.fence;
            match &self.part {
                Part::Erased(key) => view::erase(connection, fence, key).await?,
                Part::History(rows) => view::history(connection, fence, rows).await?,
                Part::Messages(rows) => view::messages(connection, fence, rows).await?,
                Part::Runs(rows) => view::runs(connection, fence, rows).await?,
                Part::Approvals(rows) => view::approvals(connection, fence, rows).await?,
                Part::Roots(rows) => view::roots(connection, fence, rows).await?,
                Part::Trim(through) => return view::trim(connection, fence, *through).await,
                Part::Nothing => view::nothing(connection, fence).await?,
            }
            Ok(true)
        })
    }
}
