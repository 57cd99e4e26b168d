//! Until when this node may answer without asking the store: its own clock
//! serves this one purpose.

use tokio::sync::watch;
use tokio::time::Instant;

/// The lease of a node.
#[derive(Debug)]
pub(crate) struct LeaseClock {
    /// `None`: nobody else can own anything.
    until: watch::Sender<Option<Instant>>,
}

impl LeaseClock {
    /// For a store that one node has alone: it never ends.
    pub fn endless() -> Self {
        Self {
            until: watch::Sender::new(None),
        }
    }

    /// For a node of several, which has nothing yet.
    pub fn over() -> Self {
        Self {
            until: watch::Sender::new(Some(Instant::now())),
        }
    }

    /// The store has heard of this node.
    pub fn renew(&self, until: Instant) {
        self.until.send_replace(Some(until));
    }

    /// This node has nothing any more.
    pub fn end(&self) {
        self.until.send_replace(Some(Instant::now()));
    }

    /// Whether this node may answer.
    pub fn is_valid(&self) -> bool {
        self.until
            .borrow()
            .is_none_or(|until| Instant::now() < until)
    }

    /// Waits until it may have become valid.
    pub async fn renewed(&self) {
        let mut until = self.until.subscribe();
        if !self.is_valid() {
            // It lives as long as this.
            let _ = until.changed().await;
        }
    }
}
