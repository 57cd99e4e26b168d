//! What a task queue holds of a task.

use std::sync::Arc;

use everturn_dispatch::{QueueKey, TaskKind, take_bytes};
use everturn_engine::decide::ActivityToken;
use everturn_engine::text::RootKey;

/// A task in a queue: which step of which run. Its content stays with the run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskRef {
    /// Partition of the root.
    pub partition: u32,
    /// The root.
    pub root: RootKey,
    /// The run.
    pub slot: u32,
    /// Event id of the activity; 0 for the workflow task of the run.
    pub activity: u64,
    /// Attempt of the activity; 0 for a workflow task.
    pub attempt: u32,
}

impl TaskRef {
    /// The task that an activity token belongs to.
    pub fn of_activity(partition: u32, root: &RootKey, token: ActivityToken) -> Self {
        Self {
            partition,
            root: root.clone(),
            slot: token.slot,
            activity: token.activity,
            attempt: token.attempt,
        }
    }

    /// The workflow task of a run.
    pub fn of_run(partition: u32, root: &RootKey, slot: u32) -> Self {
        Self {
            partition,
            root: root.clone(),
            slot,
            activity: 0,
            attempt: 0,
        }
    }

    /// Which kind of credit it uses.
    pub fn kind(&self) -> TaskKind {
        if self.activity == 0 {
            TaskKind::Workflow
        } else {
            TaskKind::Activity
        }
    }
}

impl everturn_dispatch::TaskRef for TaskRef {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let id = self.root.id.as_str();
        bytes.extend(self.partition.to_le_bytes());
        bytes.extend(self.slot.to_le_bytes());
        bytes.extend(self.activity.to_le_bytes());
        bytes.extend(self.attempt.to_le_bytes());
        // Ids are 256 bytes at most.
        bytes.extend(u32::try_from(id.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(id.as_bytes());
    }

    fn unpack(queue: &QueueKey, bytes: &mut &[u8]) -> Option<Self> {
        let partition = u32::from_le_bytes(take_bytes(bytes)?);
        let slot = u32::from_le_bytes(take_bytes(bytes)?);
        let activity = u64::from_le_bytes(take_bytes(bytes)?);
        let attempt = u32::from_le_bytes(take_bytes(bytes)?);
        let length = u32::from_le_bytes(take_bytes(bytes)?);
        let (id, rest) = bytes.split_at_checked(length as usize)?;
        *bytes = rest;
        let id = std::str::from_utf8(id).ok()?.into();
        // Tasks wait in queues of their root's namespace.
        let namespace = Arc::clone(&queue.namespace).into();
        Some(Self {
            partition,
            root: RootKey { namespace, id },
            slot,
            activity,
            attempt,
        })
    }
}

#[cfg(test)]
mod tests {
    use everturn_dispatch::TaskRef as _;

    use super::*;

    #[test]
    fn a_packed_task_comes_back_as_it_was_in_less_than_a_hundred_bytes() {
        let queue = QueueKey {
            namespace: "default".into(),
            name: "agents".into(),
            kind: TaskKind::Activity,
        };
        let task = |id: &str| TaskRef {
            partition: 3,
            root: RootKey {
                namespace: "default".into(),
                id: id.into(),
            },
            slot: 7,
            activity: 1 << 40,
            attempt: 2,
        };
        let long = "x".repeat(256);
        let tasks = [
            task("c-0123456789abcdef0123456789abcdef"),
            task(""),
            task(&long),
        ];
        let mut bytes = Vec::new();
        tasks[0].pack(&mut bytes);
        // Its place in the order is 17 more.
        assert!(bytes.len() + 17 < 100, "{}", bytes.len());
        tasks[1].pack(&mut bytes);
        tasks[2].pack(&mut bytes);
        let mut rest = bytes.as_slice();
        for task in tasks {
            assert_eq!(TaskRef::unpack(&queue, &mut rest), Some(task));
        }
        assert_eq!(TaskRef::unpack(&queue, &mut rest), None);
    }
}
