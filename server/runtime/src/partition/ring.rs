//! The end of an output, for those that connect later.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Error;
use crate::watch::{OutputPosition, StreamName, Update};

/// Bytes of output that are kept for one attempt.
const RING_BYTES: usize = 1024 * 1024;

/// The end of the output of one attempt.
#[derive(Debug)]
pub(crate) struct Ring {
    pub name: Arc<StreamName>,
    pub attempt: u32,
    /// Position of the first piece that is kept.
    first: u64,
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

impl Ring {
    /// Nothing yet; the next piece is the first one.
    pub fn new(name: Arc<StreamName>, attempt: u32, first: u64) -> Self {
        Self {
            name,
            attempt,
            first,
            pieces: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Position of the next piece.
    pub fn next(&self) -> u64 {
        self.first + self.pieces.len() as u64
    }

    /// Where somebody stands who has everything up to a piece.
    pub fn position(&self, sequence: u64) -> OutputPosition {
        OutputPosition {
            stream: Arc::clone(&self.name),
            attempt: self.attempt,
            sequence,
        }
    }

    /// Adds a piece; the oldest ones make room for it.
    pub fn push(&mut self, piece: Bytes) {
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
    pub fn after(
        &self,
        position: Option<&OutputPosition>,
        out: &mut Vec<Update>,
    ) -> Result<(), Error> {
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
