//! How much memory the process uses, and how short it is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// From which part of the limit on what only waits leaves memory at once.
const SHORT: (u64, u64) = (1, 2);
/// From which part of the limit on new work is refused.
const FULL: (u64, u64) = (9, 10);

/// Reads how many bytes of memory the process uses.
#[derive(Clone)]
pub struct MemoryReader(Arc<dyn Fn() -> u64 + Send + Sync>);

impl MemoryReader {
    /// One that calls a function, ten times a second.
    pub fn from_fn(read: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl Default for MemoryReader {
    fn default() -> Self {
        Self::from_fn(|| 0)
    }
}

impl fmt::Debug for MemoryReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryReader({})", (self.0)())
    }
}

/// How short memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pressure {
    /// There is enough.
    None,
    /// What need not be in memory is to leave.
    Short,
    /// Nothing new is taken.
    Full,
}

/// The memory of the process.
#[derive(Debug)]
pub(crate) struct Memory {
    reader: MemoryReader,
    limit: u64,
    used: AtomicU64,
}

impl Memory {
    pub fn new(reader: MemoryReader, limit: u64) -> Self {
        let memory = Self {
            reader,
            limit,
            used: AtomicU64::new(0),
        };
        memory.read();
        memory
    }

    /// Takes note of how much is used now.
    pub fn read(&self) {
        self.used.store((self.reader.0)(), Ordering::Relaxed);
    }

    /// How many bytes were used when it was read last.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// How many bytes may be used.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How short memory was when it was read last.
    pub fn pressure(&self) -> Pressure {
        let used = self.used();
        let part = |(part, whole): (u64, u64)| self.limit / whole * part;
        if used >= part(FULL) {
            Pressure::Full
        } else if used >= part(SHORT) {
            Pressure::Short
        } else {
            Pressure::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_gets_short_and_then_full() {
        let used = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&used);
        let reader = MemoryReader::from_fn(move || read.load(Ordering::Relaxed));
        let memory = Memory::new(reader, 1_000);
        for (bytes, pressure) in [
            (0, Pressure::None),
            (499, Pressure::None),
            (500, Pressure::Short),
            (899, Pressure::Short),
            (900, Pressure::Full),
            (5_000, Pressure::Full),
        ] {
            used.store(bytes, Ordering::Relaxed);
            memory.read();
            assert_eq!(memory.pressure(), pressure, "{bytes}");
        }
        let unbounded = Memory::new(MemoryReader::from_fn(|| 1 << 60), u64::MAX);
        assert_eq!(unbounded.pressure(), Pressure::None);
    }
}
