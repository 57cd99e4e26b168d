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
    pub fn outputs_from(&mut self, positions: &[OutputPosition]) -> Result<Vec<Update>, Error> {
        let mut updates = Vec::new();
        for ring in self.outputs.values() {
            let position = positions.iter().find(|at| at.stream == ring.name);
            ring.after(position, &mut updates)?;
        }
        // What is followed but no longer runs has ended meanwhile.
        for position in positions {
            let Some((holder, attempt)) = self.pending(&position.stream) else {
                updates.push(Update::OutputEnded(position.clone()));
                continue;
            };
            if self.outputs.contains_key(&holder) {
                continue;
            }
            // Nothing came of it yet, here. What the watcher has counts while
            // the same attempt runs.
            let mut at = position.clone();
            if attempt > at.attempt {
                (at.attempt, at.sequence) = (attempt, 0);
                updates.push(Update::OutputReset(at.clone()));
            }
            self.followed.insert(holder, at);
        }
        Ok(updates)
    }

    /// The activity that streams under a name, and its current attempt.
    fn pending(&self, name: &StreamName) -> Option<((Slot, u64), u32)> {
        let mut runs = self.root.runs.values();
        let run = runs.find(|run| run.workflow_id == name.workflow_id && run.closed.is_none())?;
        let mut activities = run.activities.iter();
        let (id, activity) = activities.find(|(_, activity)| activity.key == name.key)?;
        Some(((run.slot, *id), activity.attempt))
    }

    /// An activity, or one of its attempts, is over: its output ends, or will
    /// begin anew.
    pub(super) fn end_output(&mut self, slot: Slot, activity: u64, again: bool) {
        let holder = (slot, activity);
        let followed = self.followed.remove(&holder);
        let ring = self.outputs.remove(&holder);
        let last = ring.map(|ring| ring.position(ring.next() - 1));
        let Some(last) = last.or(followed) else {
            return;
        };
        self.told_later.push(if again {
            Update::OutputReset(OutputPosition {
                attempt: last.attempt + 1,
                sequence: 0,
                ..last
            })
        } else {
            Update::OutputEnded(last)
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
