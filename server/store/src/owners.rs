//! Who owns each partition, and where its log ends.

use crate::Result;
use crate::error::Error;
use crate::row::Append;

/// What is known of a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Owner {
    /// 0: nobody took it yet.
    epoch: u32,
    /// The last append that is durable.
    durable: u64,
    /// The last append that is durable or about to be written.
    admitted: u64,
}

/// All partitions.
#[derive(Debug)]
pub(crate) struct Owners {
    by_partition: Vec<Owner>,
}

impl Owners {
    pub fn new(partitions: u32) -> Self {
        Self {
            by_partition: vec![Owner::default(); partitions as usize],
        }
    }

    /// Somebody took a partition.
    pub fn acquired(&mut self, partition: u32, epoch: u32, last_sequence: u64) {
        if let Some(owner) = self.by_partition.get_mut(partition as usize) {
            *owner = Owner {
                epoch,
                durable: last_sequence,
                admitted: last_sequence,
            };
        }
    }

    /// The last append of a partition, with what is about to be written.
    pub fn last_sequence(&self, partition: u32) -> u64 {
        self.by_partition
            .get(partition as usize)
            .map_or(0, |owner| owner.admitted)
    }

    /// Whether an epoch is the one of the current owner.
    pub fn check(&self, partition: u32, ours: u32) -> Result<()> {
        let owner = self.by_partition.get(partition as usize);
        let current = owner.map_or(0, |owner| owner.epoch);
        if current == ours && current != 0 {
            return Ok(());
        }
        Err(Error::OwnershipLost {
            partition,
            ours,
            current,
        })
    }

    /// Checks epochs and sequences of appends and counts them; all or none.
    pub fn admit(&mut self, appends: &[Append]) -> Result<()> {
        for (count, append) in appends.iter().enumerate() {
            if let Err(error) = self.admit_one(append) {
                for admitted in &appends[..count] {
                    self.by_partition[admitted.partition as usize].admitted -= 1;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn admit_one(&mut self, append: &Append) -> Result<()> {
        self.check(append.partition, append.owner_epoch)?;
        let owner = &mut self.by_partition[append.partition as usize];
        if append.sequence != owner.admitted + 1 {
            return Err(Error::OutOfSequence {
                partition: append.partition,
                sequence: append.sequence,
                last: owner.admitted,
            });
        }
        owner.admitted = append.sequence;
        Ok(())
    }

    /// Admitted appends are durable, or were not written.
    pub fn settle(&mut self, appends: &[Append], durable: bool) {
        for append in appends {
            let owner = &mut self.by_partition[append.partition as usize];
            if durable {
                owner.durable = owner.durable.max(append.sequence);
            } else {
                owner.admitted = owner.durable;
            }
        }
    }
}
