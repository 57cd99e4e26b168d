//! Membership: a heartbeat says that this node lives, what it learns says which
//! partitions it should own. All of that may be out of date; who owns a
//! partition is decided by the store when it is taken, and again by every
//! append.

mod assignment;
mod lease;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use everturn_store::{Beat, Error, Members, Roster};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::partition::{Input, Shared};
use crate::serving::Trouble;
pub(crate) use lease::LeaseClock;

/// Version of what nodes send each other.
const NODE_PROTOCOL: u32 = 1;
/// The share of a lease by which this node stops before it ends.
const LEASE_MARGIN: u32 = 5;

/// Says that this node lives until it is told to stop, and takes and gives away
/// partitions.
pub(crate) async fn run(
    shared: Arc<Shared>,
    draining: CancellationToken,
    stopped: CancellationToken,
) {
    let Some(members) = shared.store.members() else {
        return;
    };
    let mut is_failing = false;
    loop {
        let sent = Instant::now();
        let beat = Beat {
            address: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: NODE_PROTOCOL,
            is_draining: draining.is_cancelled(),
        };
        let lease = members.lease();
        match tokio::time::timeout(lease, members.beat(beat)).await {
            Ok(Ok(roster)) => {
                is_failing = false;
                // First: what others have now is not answered from any more.
                give_up(&shared, &roster);
                shared.lease.renew(sent + lease - lease / LEASE_MARGIN);
                act(&shared, members, &roster);
            }
            Ok(Err(error @ Error::Superseded(_))) => {
                // Whoever has our place has our partitions soon: the fence sees
                // to that nothing of ours is appended then.
                tracing::error!(%error, "this node was replaced, it serves no more");
                shared.lease.end();
                shared.replaced.cancel();
                return;
            }
            outcome => {
                if !std::mem::replace(&mut is_failing, true) {
                    let error = match outcome {
                        Ok(Err(error)) => error.to_string(),
                        _ => "no answer within a lease".to_owned(),
                    };
                    tracing::warn!(error, "the heartbeat failed, it is tried again");
                }
            }
        }
        shared
            .serving
            .set(Trouble::LeaseOver, !shared.lease.is_valid());
        tokio::select! {
            biased;
            () = stopped.cancelled() => break,
            () = tokio::time::sleep_until(sent + shared.options.heartbeat_interval) => {}
        }
    }
    // What it owned was given away; otherwise its lease ends by itself.
    let left = tokio::time::timeout(Duration::from_secs(1), members.leave()).await;
    if !matches!(left, Ok(Ok(()))) {
        tracing::warn!("the store was not told that this node is gone");
    }
}

/// Notes the partitions that were taken by others while this node was not heard
/// of.
fn give_up(shared: &Arc<Shared>, roster: &Roster) {
    for (number, (owned, lease)) in shared.owned.iter().zip(&roster.leases).enumerate() {
        let ours = owned.load(Ordering::Acquire);
        if ours != 0 && lease.owner_epoch > ours {
            // Not if it was taken again meanwhile.
            let given_up = owned.compare_exchange(ours, 0, Ordering::AcqRel, Ordering::Acquire);
            if given_up.is_ok() {
                shared.send(number, Input::Look);
            }
        }
    }
}

/// Takes what this node should own and nobody has.
fn act(shared: &Arc<Shared>, members: &dyn Members, roster: &Roster) {
    let mine = assignment::partitions_of(members.identity(), roster);
    shared.serving.set(Trouble::StandBy, mine.is_empty());
    let wanted: BTreeSet<u32> = mine.into_iter().collect();
    for (number, owned) in (0..).zip(&shared.owned) {
        let is_owned = owned.load(Ordering::Acquire) != 0;
        let is_wanted = wanted.contains(&number);
        shared
            .serving
            .set(Trouble::NotTaken(number), is_wanted && !is_owned);
        let lease = roster.leases.get(number as usize);
        let is_held = lease.is_some_and(|lease| {
            roster.is_held(lease) && lease.holder.as_ref() != Some(members.identity())
        });
        if is_wanted && !is_owned && !is_held {
            shared.send(number as usize, Input::Take);
        }
    }
}
