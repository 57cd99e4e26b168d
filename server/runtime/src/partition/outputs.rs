//! Partial outputs: pieces that running attempts stream, handed on to watchers
//! at once and kept for a while for those that connect later. Not stored: what
//! a piece says is durable only in the result.

use std::sync::Arc;

use bytes::Bytes;
use everturn_engine::decide::{self, ActivityToken};
use everturn_engine::event::Slot;
use everturn_engine::text::RootKey;
use everturn_engine::transition::Transaction;

use crate::error::Error;
use crate::partition::Partition;
use crate::partition::hot::Hot;
use crate::partition::ring::Ring;
use crate::task::OutputPiece;
use crate::watch::{OutputPosition, StreamName, Update};

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
        let begins = ring.is_empty() && (ring.attempt > 1 || sequence > 1);
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
