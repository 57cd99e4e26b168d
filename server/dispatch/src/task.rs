//! Tasks and queues by name, and the bytes that a task can be had from.

use std::hash::Hash;
use std::sync::Arc;

/// A small reference to a task.
pub trait TaskRef: Clone + Eq + Hash {
    /// Adds its bytes, from which it can be had again: tasks far behind in a
    /// line are kept like that.
    fn pack(&self, bytes: &mut Vec<u8>);

    /// Takes the bytes of one task off the front; `None` if they are not one.
    /// The queue is the one that it was offered to.
    fn unpack(queue: &QueueKey, bytes: &mut &[u8]) -> Option<Self>;
}

/// A number.
impl TaskRef for u32 {
    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }

    fn unpack(_: &QueueKey, bytes: &mut &[u8]) -> Option<Self> {
        take_bytes(bytes).map(Self::from_le_bytes)
    }
}

/// What a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// The code of a run has something to do.
    Workflow,
    /// An attempt of an activity.
    Activity,
}

/// Names a task queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueKey {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name of the task queue.
    pub name: Arc<str>,
    /// What is in it.
    pub kind: TaskKind,
}

/// A task in line.
#[derive(Clone, Debug)]
pub(crate) struct Item<T> {
    pub task: T,
    pub priority: u8,
    /// Position in the order of all offers.
    pub sequence: u64,
    pub enqueued_at: i64,
}

/// Takes so many bytes off the front; `None` if there are not as many.
pub fn take_bytes<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
