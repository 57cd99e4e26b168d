//! Partial outputs: pieces that running attempts stream, handed on to watchers
//! at once and kept for a while for those that connect later. Not stored: what
//! a piece says is durable only in the result.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use everturn_engine::decide::{self, ActivityToken};
use everturn_engine::event::Slot;
use everturn_engine::text::RootKey;
use everturn_engine::transition::Transaction;

use crate::error::Error;
use crate::partition::Partition;
use crate::partition::hot::Hot;
use crate::session::OutputPiece;
use crate::watch::{OutputPosition, StreamName, Update};

/// Bytes of output that are kept for one attempt.
const RING_BYTES: usize = 1024 * 1024;

/// The end of the output of one attempt.
#[derive(Debug)]
pub(crate) struct Ring {
    name: Arc<StreamName>,
    attempt: u32,
    /// Position of the first piece that is kept.
    first: u64,
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

impl Ring {
    fn new(name: Arc<StreamName>, attempt: u32, first: u64) -> Self {
        Self {
            name,
            attempt,
            first,
            pieces: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Position of the next piece.
    fn next(&self) -> u64 {
        self.first + self.pieces.len() as u64
    }

    /// Where somebody stands who has everything up to a piece.
    fn position(&self, sequence: u64) -> OutputPosition {
        OutputPosition {
            stream: Arc::clone(&self.name),
            attempt: self.attempt,
            sequence,
        }
    }

    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
        while self.bytes > RING_BYTES
            && let Some(dropped) = self.pieces.pop_front()
        {
            self.bytes -= dropped.len();
            self.first += 1;
        }
    }

    /// What somebody at a position lacks.
    fn after(&self, position: Option<&OutputPosition>, out: &mut Vec<Update>) -> Result<(), Error> {
        let same = position.filter(|at| at.attempt == self.attempt);
        let beyond = position.is_some_and(|at| at.attempt > self.attempt)
            || same.is_some_and(|at| at.sequence >= self.next());
        if beyond {
            return Err(Error::CursorInvalid(
                "an output cursor is beyond the output",
            ));
        }
        let have = same.map_or(0, |at| at.sequence);
        let new = position.is_none() && self.attempt == 1;
        let whole = have + 1 >= self.first && (same.is_some() || new);
        let from = if whole {
            have + 1
        } else {
            out.push(Update::OutputReset(self.position(self.first - 1)));
            self.first
        };
        let skip = usize::try_from(from - self.first).unwrap_or(usize::MAX);
        for (piece, sequence) in self.pieces.iter().skip(skip).zip(from..) {
            let update = Update::OutputDelta(self.position(sequence), piece.clone());
            out.push(update);
        }
        Ok(())
    }
}

impl Hot {
    /// What a watcher lacks that stands at these positions.
    pub fn outputs_from(&self, positions: &[OutputPosition]) -> Result<Vec<Update>, Error> {
        let mut updates = Vec::new();
        for ring in self.outputs.values() {
            let position = positions.iter().find(|at| at.stream == ring.name);
            ring.after(position, &mut updates)?;
        }
        // What is followed but no longer runs has ended meanwhile.
        for position in positions {
            if !self.is_pending(&position.stream) {
                updates.push(Update::OutputEnded(position.clone()));
            }
        }
        Ok(updates)
    }

    fn is_pending(&self, name: &StreamName) -> bool {
        self.root.runs.values().any(|run| {
            run.workflow_id == name.workflow_id
                && run.activities.values().any(|a| a.key == name.key)
        })
    }

    /// An activity, or one of its attempts, is over: its output ends, or will
    /// begin anew.
    pub(super) fn end_output(&mut self, slot: Slot, activity: u64, again: bool) {
        let Some(ring) = self.outputs.remove(&(slot, activity)) else {
            return;
        };
        self.told_later.push(if again {
            Update::OutputReset(OutputPosition {
                stream: ring.name,
                attempt: ring.attempt + 1,
                sequence: 0,
            })
        } else {
            Update::OutputEnded(ring.position(ring.next() - 1))
        });
    }
}

impl Partition {
    /// Takes pieces of output; those of attempts that are over are dropped.
    /// The answer says for each whether its attempt is current.
    pub(super) fn take_outputs(&mut self, pieces: Vec<OutputPiece>) -> Vec<bool> {
        let taken = pieces.into_iter().map(|piece| self.take_output(piece));
        taken.collect()
    }

    fn take_output(&mut self, piece: OutputPiece) -> bool {
        let token = piece.token;
        // One that is not in memory has not been taken up again after a
        // restart: its piece is lost, which watchers notice by its number.
        let Some(hot) = self.roots.get_mut(&piece.root) else {
            return true;
        };
        let tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        let Ok((workflow_id, key)) = decide::check_activity(&tx, token) else {
            return false;
        };
        let holder = (token.slot, token.activity);
        if hot
            .outputs
            .get(&holder)
            .is_none_or(|r| r.attempt != token.attempt)
        {
            let name = Arc::new(StreamName {
                workflow_id: workflow_id.clone(),
                key: key.clone(),
            });
            let ring = Ring::new(name, token.attempt, piece.sequence);
            hot.outputs.insert(holder, ring);
        }
        self.hand_on(&piece.root, token, piece.sequence, piece.data);
        true
    }

    fn hand_on(&mut self, root: &RootKey, token: ActivityToken, sequence: u64, data: Bytes) {
        let holder = (token.slot, token.activity);
        let hot = self.roots.get_mut(root);
        let Some(ring) = hot.and_then(|hot| hot.outputs.get_mut(&holder)) else {
            return;
        };
        if sequence < ring.next() {
            return;
        }
        let begins = ring.pieces.is_empty() && (ring.attempt > 1 || sequence > 1);
        let gap = sequence > ring.next();
        if gap {
            *ring = Ring::new(Arc::clone(&ring.name), ring.attempt, sequence);
        }
        ring.push(data.clone());
        let reset = (begins || gap).then(|| ring.position(sequence - 1));
        let position = ring.position(sequence);
        if let Some(position) = reset {
            self.tell_watchers(root, &Update::OutputReset(position));
        }
        self.tell_watchers(root, &Update::OutputDelta(position, data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(attempt: u32, pieces: u64) -> Ring {
        let name = Arc::new(StreamName {
            workflow_id: "c/turn-1".into(),
            key: "draft".into(),
        });
        let mut ring = Ring::new(name, attempt, 1);
        for number in 1..=pieces {
            ring.push(Bytes::from(number.to_string()));
        }
        ring
    }

    fn told(ring: &Ring, at: Option<(u32, u64)>) -> Result<Vec<String>, Error> {
        let position = at.map(|(attempt, sequence)| OutputPosition {
            attempt,
            ..ring.position(sequence)
        });
        let mut updates = Vec::new();
        ring.after(position.as_ref(), &mut updates)?;
        let text = |update| match update {
            Update::OutputReset(at) => format!("reset {}", at.sequence),
            Update::OutputDelta(at, _) => format!("piece {}", at.sequence),
            other => format!("{other:?}"),
        };
        Ok(updates.into_iter().map(text).collect())
    }

    #[test]
    fn who_comes_new_gets_everything_from_the_first_attempt() {
        let told = told(&ring(1, 2), None).expect("valid");
        assert_eq!(told, ["piece 1", "piece 2"]);
    }

    #[test]
    fn who_comes_back_gets_what_is_missing() {
        let told = told(&ring(1, 3), Some((1, 2))).expect("valid");
        assert_eq!(told, ["piece 3"]);
    }

    #[test]
    fn a_later_attempt_begins_with_a_reset() {
        let ring = ring(2, 1);
        for at in [None, Some((1, 7))] {
            assert_eq!(told(&ring, at).expect("valid"), ["reset 0", "piece 1"]);
        }
    }

    #[test]
    fn what_is_not_kept_any_more_is_said_by_a_reset() {
        let mut ring = ring(1, 1);
        for _ in 0..3 {
            ring.push(Bytes::from(vec![0; RING_BYTES / 2]));
        }
        assert_eq!(ring.first, 3, "two of the four fit");
        let told = told(&ring, Some((1, 1))).expect("valid");
        assert_eq!(told, ["reset 2", "piece 3", "piece 4"]);
    }

    #[test]
    fn a_cursor_from_the_future_is_refused() {
        for at in [(1, 3), (2, 0)] {
            let refused = told(&ring(1, 2), Some(at));
            assert!(matches!(refused, Err(Error::CursorInvalid(_))));
        }
    }
}
