//! The copy. Begun again after it was cut off, it goes on: what is there
//! already, and the same, is not written again.

use std::collections::BTreeMap;

use crate::Result;
use futures::{StreamExt as _, TryStreamExt as _};

use crate::error::Error;
use crate::row::{Append, Flush, RootKey, RootRow};
use crate::transfer::{PartitionState, Totals, Transfer, bundle};

/// Roots that are read at once.
const ROOTS_PER_PAGE: usize = 4_096;
/// Events of journals after which a page is split: they are held in memory.
const EVENTS_PER_GROUP: u64 = 100_000;
/// Groups that are copied at a time: one is read while others are written.
const GROUPS_AT_ONCE: usize = 3;
/// Bytes after which what was read is written.
const FLUSH_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of log that are read at once.
const LOG_BYTES: usize = 8 * 1024 * 1024;

/// How a copy goes about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopyOptions {
    /// Go on with a copy that was cut off; otherwise the target must be empty.
    pub resume: bool,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyProgress {
    /// Roots that are there and compared.
    pub roots: u64,
    /// Of them, those that an earlier copy had written.
    pub found: u64,
    /// Roots that there are.
    pub total: u64,
    /// Rows of the log.
    pub log: u64,
    /// It goes on with a copy that was cut off.
    pub is_resumed: bool,
}

/// Copies everything from one store to an empty one with as many partitions.
///
/// # Errors
/// `Unusable` when a coordinator uses one of them, the target is not empty, or
/// the numbers of partitions differ; `Corrupt` when what was written is not what
/// was read.
pub async fn copy(
    from: &dyn Transfer,
    to: &dyn Transfer,
    options: CopyOptions,
    mut report: impl FnMut(CopyProgress),
) -> Result<CopyProgress> {
    from.must_be_idle().await?;
    to.must_be_idle().await?;
    let (wanted, there) = (from.totals().await?, to.totals().await?);
    if !there.is_empty() && !options.resume {
        return Err(Error::Unusable(format!(
            "the target holds {} conversations and workflows already: name an empty one, or go on \
             with a copy that was cut off (--resume)",
            there.roots
        )));
    }
    if from.partition_count() != to.partition_count() {
        return Err(Error::Unusable(format!(
            "the target has {} partitions, the source {}",
            to.partition_count(),
            from.partition_count()
        )));
    }
    let mut progress = CopyProgress {
        total: wanted.roots,
        is_resumed: !there.is_empty(),
        ..CopyProgress::default()
    };
    let epochs = take_partitions(from, to).await?;
    let mut after = i64::MIN;
    loop {
        let (page, next) = from.all_roots(after, ROOTS_PER_PAGE).await?;
        let groups = groups(from, page).await?;
        let is_resumed = progress.is_resumed;
        let copying = groups.into_iter().map(|(partition, roots)| {
            let epoch = epochs[partition as usize].owner_epoch;
            copy_roots(from, to, (partition, epoch), roots, is_resumed)
        });
        let mut copied = futures::stream::iter(copying).buffer_unordered(GROUPS_AT_ONCE);
        while let Some((roots, found)) = copied.try_next().await? {
            progress.roots += roots;
            progress.found += found;
            report(progress);
        }
        let Some(next) = next else {
            break;
        };
        after = next;
    }
    for (partition, state) in (0..).zip(&epochs) {
        progress.log += copy_log(from, to, partition, *state).await?;
    }
    settle(from, to, &wanted, &epochs).await?;
    report(progress);
    Ok(progress)
}

/// Takes all partitions of the target, standing before the first row of the log
/// that they get.
async fn take_partitions(from: &dyn Transfer, to: &dyn Transfer) -> Result<Vec<PartitionState>> {
    let mut states = Vec::new();
    for partition in 0..from.partition_count() {
        let state = from.partition_state(partition).await?;
        let first = from.read_log(partition, 0, 0).await?;
        let begin = first
            .first()
            .map_or(state.last_sequence, |row| row.sequence - 1);
        let there = to.partition_state(partition).await?;
        let before = PartitionState {
            owner_epoch: state.owner_epoch.max(there.owner_epoch),
            last_sequence: begin.max(there.last_sequence),
        };
        to.set_partition_state(partition, before).await?;
        let (owner_epoch, last_sequence) = to.acquire(partition).await?;
        states.push(PartitionState {
            owner_epoch,
            last_sequence,
        });
    }
    Ok(states)
}

/// Roots by partition, in groups that fit into memory.
async fn groups(
    from: &dyn Transfer,
    page: Vec<(u32, RootRow)>,
) -> Result<Vec<(u32, Vec<RootRow>)>> {
    let keys = page.iter().map(|(_, root)| root.key.clone()).collect();
    let mut events: BTreeMap<RootKey, u64> = BTreeMap::new();
    for run in from.runs_of(keys).await? {
        *events.entry(run.key).or_default() += run.event_count;
    }
    let mut groups: Vec<(u32, Vec<RootRow>)> = Vec::new();
    let mut open: BTreeMap<u32, (Vec<RootRow>, u64)> = BTreeMap::new();
    for (partition, root) in page {
        let (group, held) = open.entry(partition).or_default();
        *held += events.get(&root.key).copied().unwrap_or(0);
        group.push(root);
        if *held > EVENTS_PER_GROUP {
            groups.push((partition, std::mem::take(group)));
            *held = 0;
        }
    }
    groups.extend(
        open.into_iter()
            .map(|(partition, (group, _))| (partition, group)),
    );
    groups.retain(|(_, group)| !group.is_empty());
    Ok(groups)
}

/// Copies roots of a partition; how many, and how many of them were there.
async fn copy_roots(
    from: &dyn Transfer,
    to: &dyn Transfer,
    (partition, owner_epoch): (u32, u32),
    roots: Vec<RootRow>,
    is_resumed: bool,
) -> Result<(u64, u64)> {
    let mut found = 0;
    let keys: Vec<RootKey> = roots.iter().map(|root| root.key.clone()).collect();
    // Nothing is there yet, unless an earlier copy was cut off.
    let there = match is_resumed {
        true => checksums(to, partition, keys.clone()).await?,
        false => BTreeMap::new(),
    };
    let mut wanted = BTreeMap::new();
    let mut flush = new_flush(partition, owner_epoch);
    let mut bytes = 0;
    for bundle in bundle::read(from, roots).await? {
        let key = bundle.root.key.clone();
        let checksum = bundle.checksum();
        if there.get(&key) == Some(&checksum) {
            found += 1;
            continue;
        }
        if there.contains_key(&key) {
            // Half of it is there.
            flush.erased.push(key.clone());
        }
        bytes += bundle.bytes();
        wanted.insert(key, checksum);
        bundle.write(&mut flush);
        if bytes > FLUSH_BYTES {
            let full = std::mem::replace(&mut flush, new_flush(partition, owner_epoch));
            to.flush(full).await?;
            bytes = 0;
        }
    }
    to.flush(flush).await?;
    let written = checksums(to, partition, wanted.keys().cloned().collect()).await?;
    for (key, checksum) in &wanted {
        if written.get(key) != Some(checksum) {
            return Err(Error::Corrupt(format!(
                "{} of the namespace {} is not in the target as it was in the source",
                key.root_id, key.namespace
            )));
        }
    }
    Ok((keys.len() as u64, found))
}

fn new_flush(partition: u32, owner_epoch: u32) -> Flush {
    Flush {
        partition,
        owner_epoch,
        ..Flush::default()
    }
}

async fn checksums(
    store: &dyn Transfer,
    partition: u32,
    keys: Vec<RootKey>,
) -> Result<BTreeMap<RootKey, [u8; 32]>> {
    let roots = store.load_roots(partition, keys).await?;
    let bundles = bundle::read(store, roots).await?;
    Ok(bundles
        .into_iter()
        .map(|bundle| (bundle.root.key.clone(), bundle.checksum()))
        .collect())
}

/// Copies the rows of the log that are not there yet; how many there are.
async fn copy_log(
    from: &dyn Transfer,
    to: &dyn Transfer,
    partition: u32,
    state: PartitionState,
) -> Result<u64> {
    let mut sequence = state.last_sequence;
    loop {
        let rows = from.read_log(partition, sequence, LOG_BYTES).await?;
        let Some(last) = rows.last() else {
            break;
        };
        sequence = last.sequence;
        let appends = rows.into_iter().map(|row| Append {
            partition,
            owner_epoch: state.owner_epoch,
            sequence: row.sequence,
            payload: row.payload,
        });
        to.append(appends.collect()).await?;
    }
    let mut rows = 0;
    let mut after = 0;
    loop {
        let ours = from.read_log(partition, after, LOG_BYTES).await?;
        let theirs = to.read_log(partition, after, LOG_BYTES).await?;
        if ours != theirs {
            return Err(Error::Corrupt(format!(
                "the log of partition {partition} is not in the target as it was in the source"
            )));
        }
        let Some(last) = ours.last() else {
            return Ok(rows);
        };
        after = last.sequence;
        rows += ours.len() as u64;
    }
}

/// Compares how many there are, and where the logs end.
async fn settle(
    from: &dyn Transfer,
    to: &dyn Transfer,
    wanted: &Totals,
    epochs: &[PartitionState],
) -> Result<()> {
    let there = to.totals().await?;
    if there != *wanted {
        return Err(Error::Corrupt(format!(
            "the target holds {there:?}, the source {wanted:?}"
        )));
    }
    for (partition, _) in (0..).zip(epochs) {
        let ours = from.partition_state(partition).await?;
        let theirs = to.partition_state(partition).await?;
        if ours.last_sequence != theirs.last_sequence || theirs.owner_epoch < ours.owner_epoch {
            return Err(Error::Corrupt(format!(
                "partition {partition} does not stand where it stood: {theirs:?}, not {ours:?}"
            )));
        }
    }
    Ok(())
}
