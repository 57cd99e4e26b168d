//! The tasks of one priority, in order. The first ones are kept as they are;
//! those behind them, which may be a million, as bytes: about as many as the
//! names in them.

use std::collections::VecDeque;

use crate::task::{Item, QueueKey, TaskRef, take_bytes};

/// Tasks that are kept as they are.
const WINDOW: usize = 256;
/// Bytes of a block, and how many of them must be left for it to take another
/// task: names are short.
const BLOCK_BYTES: usize = 16 * 1024;
const ROOM_BYTES: usize = 384;

/// One line of a queue.
#[derive(Debug)]
pub(crate) struct Line<T> {
    /// The first ones; empty only when there are none at all.
    front: VecDeque<Item<T>>,
    /// The others.
    blocks: VecDeque<Block>,
    packed: usize,
}

/// Tasks as bytes, one behind the other.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    /// Bytes of tasks that were taken out.
    taken: usize,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            front: VecDeque::new(),
            blocks: VecDeque::new(),
            packed: 0,
        }
    }
}

impl<T> Line<T> {
    pub fn len(&self) -> usize {
        self.front.len() + self.packed
    }

    /// When the first task was offered.
    pub fn oldest(&self) -> Option<i64> {
        self.front.front().map(|item| item.enqueued_at)
    }
}

impl<T: TaskRef> Line<T> {
    /// A new task, behind all others.
    pub fn push(&mut self, item: Item<T>) {
        if self.packed == 0 && self.front.len() < WINDOW {
            self.front.push_back(item);
            return;
        }
        if self.blocks.back().is_none_or(Block::is_full) {
            self.blocks.push_back(Block::default());
        }
        if let Some(block) = self.blocks.back_mut() {
            block.push(&item);
            self.packed += 1;
        }
    }

    /// A task comes back: to the place that it had, or before those that are
    /// packed.
    pub fn restore(&mut self, item: Item<T>) {
        let at = self
            .front
            .partition_point(|other| other.sequence < item.sequence);
        self.front.insert(at, item);
    }

    /// Takes out the first task.
    pub fn pop(&mut self, queue: &QueueKey) -> Option<Item<T>> {
        let item = self.front.pop_front()?;
        self.refill(queue);
        Some(item)
    }

    /// Takes out the tasks that are meant. Looks at every one.
    pub fn withdraw(&mut self, queue: &QueueKey, is_meant: &impl Fn(&T) -> bool) {
        self.front.retain(|item| !is_meant(&item.task));
        let mut rest = std::mem::take(self);
        std::mem::swap(&mut self.front, &mut rest.front);
        for mut block in rest.blocks {
            while let Some(item) = block.take(queue) {
                if !is_meant(&item.task) {
                    self.push(item);
                }
            }
        }
    }

    /// The first ones are never packed.
    fn refill(&mut self, queue: &QueueKey) {
        while self.front.is_empty()
            && let Some(block) = self.blocks.front_mut()
        {
            while self.front.len() < WINDOW
                && let Some(item) = block.take(queue)
            {
                self.front.push_back(item);
                self.packed -= 1;
            }
            assert!(
                block.is_empty() || !self.front.is_empty(),
                "what is packed is read as it was written"
            );
            if block.is_empty() {
                self.blocks.pop_front();
            }
        }
    }
}

impl Block {
    fn is_full(&self) -> bool {
        self.bytes.len() + ROOM_BYTES > BLOCK_BYTES
    }

    fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    fn push<T: TaskRef>(&mut self, item: &Item<T>) {
        self.bytes.extend(item.sequence.to_le_bytes());
        self.bytes.extend(item.enqueued_at.to_le_bytes());
        self.bytes.push(item.priority);
        item.task.pack(&mut self.bytes);
    }

    fn take<T: TaskRef>(&mut self, queue: &QueueKey) -> Option<Item<T>> {
        let mut rest = self.bytes.get(self.taken..)?;
        let sequence = u64::from_le_bytes(take_bytes(&mut rest)?);
        let enqueued_at = i64::from_le_bytes(take_bytes(&mut rest)?);
        let [priority] = take_bytes(&mut rest)?;
        let task = T::unpack(queue, &mut rest)?;
        self.taken = self.bytes.len() - rest.len();
        Some(Item {
            task,
            priority,
            sequence,
            enqueued_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskKind;

    fn queue() -> QueueKey {
        QueueKey {
            namespace: "default".into(),
            name: "q".into(),
            kind: TaskKind::Activity,
        }
    }

    fn item(number: u32) -> Item<u32> {
        Item {
            task: number,
            priority: 4,
            sequence: u64::from(number),
            enqueued_at: -i64::from(number),
        }
    }

    fn line(count: u32) -> Line<u32> {
        let mut line = Line::default();
        for number in 0..count {
            line.push(item(number));
        }
        line
    }

    fn drained(mut line: Line<u32>) -> Vec<u32> {
        let taken = std::iter::from_fn(|| line.pop(&queue()));
        taken.map(|item| item.task).collect()
    }

    #[test]
    fn a_long_line_keeps_its_order_and_what_is_known_of_each_task() {
        let mut line = line(10_000);
        assert_eq!(line.len(), 10_000);
        for number in 0..10_000 {
            assert_eq!(line.oldest(), Some(-i64::from(number)));
            let taken = line.pop(&queue()).expect("it is there");
            assert_eq!((taken.task, taken.priority), (number, 4));
            assert_eq!(taken.sequence, u64::from(number));
        }
        assert_eq!((line.len(), line.oldest()), (0, None));
        assert!(line.blocks.is_empty(), "its blocks are given back");
    }

    #[test]
    fn a_packed_task_takes_few_bytes() {
        let line = line(100_000);
        let bytes: usize = line.blocks.iter().map(|it| it.bytes.capacity()).sum();
        assert!(bytes < 100_000 * 25, "{bytes}");
    }

    #[test]
    fn what_comes_back_goes_first_again() {
        let mut line = line(5_000);
        let taken: Vec<_> = (0..600).filter_map(|_| line.pop(&queue())).collect();
        for item in taken.into_iter().rev() {
            line.restore(item);
        }
        assert_eq!(drained(line), (0..5_000).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_withdrawn_leaves_the_others_in_order() {
        let mut line = line(5_000);
        line.withdraw(&queue(), &|task| task % 3 == 0);
        let kept: Vec<u32> = (0..5_000).filter(|task| task % 3 != 0).collect();
        assert_eq!(line.len(), kept.len());
        assert_eq!(drained(line), kept);
    }

    #[test]
    fn a_line_that_is_withdrawn_as_a_whole_takes_tasks_again() {
        let mut line = line(5_000);
        line.withdraw(&queue(), &|_| true);
        assert_eq!(line.len(), 0);
        line.push(item(7));
        assert_eq!(drained(line), [7]);
    }
}
