//! Owning a partition, and not: while another node has it, everybody is told
//! so, and it is taken when the cluster says so.

use std::sync::atomic::Ordering;

use crate::error::Error;
use crate::partition::{Input, Partition};
use crate::serving::Trouble;

impl Partition {
    /// Waits until it is told to take the partition and has done so, or to stop.
    pub(super) async fn wait_to_own(&mut self) {
        while self.stopping.is_none() && !self.is_owner() {
            match self.mailbox.recv().await {
                Some(Input::Take) => self.take_partition().await,
                Some(input) => self.turn_input_away(input),
                None => return,
            }
        }
    }

    async fn take_partition(&mut self) {
        match self.recover().await {
            Ok(()) => self.note_ownership(true),
            Err(error) => {
                // The cluster says so again as long as it should.
                tracing::warn!(partition = self.number, %error, "partition cannot be taken");
                self.forget();
            }
        }
    }

    /// Whether this node has the partition, as far as it knows.
    pub(super) fn is_owner(&self) -> bool {
        self.shared.owned[self.number as usize].load(Ordering::Acquire) != 0
    }

    /// What a partition ends with that another node has.
    pub(super) fn lost_ownership(&self) -> everturn_store::Error {
        everturn_store::Error::OwnershipLost {
            partition: self.number,
            ours: self.owner_epoch,
            current: 0,
        }
    }

    pub(super) fn note_ownership(&self, is_owner: bool) {
        let owned = &self.shared.owned[self.number as usize];
        let epoch = if is_owner { self.owner_epoch } else { 0 };
        owned.store(epoch, Ordering::Release);
        if self.shared.store.members().is_none() {
            return;
        }
        // The cluster says with the next heartbeat whether it should be ours.
        let trouble = Trouble::NotTaken(self.number);
        self.shared.serving.set(trouble, !is_owner);
        if is_owner {
            tracing::info!(
                partition = self.number,
                epoch = self.owner_epoch,
                "partition is ours"
            );
        } else {
            tracing::info!(partition = self.number, "partition is another node's");
        }
    }

    /// Another node has it: what is in memory counts no more.
    pub(super) fn lose(&mut self) {
        self.forget();
        self.note_ownership(false);
    }

    /// Lets go of it after everything was written, so that another node need not
    /// wait for the end of the lease.
    pub(super) async fn give_away(&mut self) {
        let store = std::sync::Arc::clone(&self.shared.store);
        let Some(members) = store.members() else {
            return;
        };
        if let Err(error) = members.release(self.number, self.owner_epoch).await {
            // It is free when the lease ends.
            tracing::warn!(partition = self.number, %error, "partition was not released");
        }
        self.lose();
    }

    /// What comes in while this node does not have the partition.
    pub(super) fn turn_input_away(&mut self, input: Input) {
        match input {
            Input::Stop(done) => self.stopping = Some(done),
            Input::Visit(visit) => (visit.act)(Err(Error::PartitionMoved)),
            Input::Results(reporter, results) => {
                for result in results {
                    let answer = Err((Error::PartitionMoved, Vec::new()));
                    reporter.answer(result.result_id, answer);
                }
            }
            Input::Outputs(pieces, caller) => {
                if let Some(caller) = caller {
                    // Nobody knows whether their attempts are over: they go on.
                    let _ = caller.send(vec![true; pieces.len()]);
                }
            }
            // Whoever takes it offers its tasks again.
            Input::Assigned(_) | Input::Lost(_) | Input::Undelivered(_) => {}
            Input::Take | Input::Look => {}
        }
    }
}
