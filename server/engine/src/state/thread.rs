//! Threads: what providers need to show an answer below what it answers.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use crate::limits;
use crate::text::Text;

/// What is known of the thread on one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Thread {
    /// What the customer's last message was about, or empty.
    #[n(0)]
    pub subject: Text,
    /// Ids that the provider gave its messages, the customer's and ours, oldest
    /// first. The first one stays: it names the thread (RFC 5322, 3.6.4).
    #[n(1)]
    pub references: VecDeque<Text>,
}

impl Thread {
    /// Adds the id of a message.
    pub(super) fn push(&mut self, id: &Text) {
        if id.as_str().is_empty() || self.references.contains(id) {
            return;
        }
        self.references.push_back(id.clone());
        if self.references.len() > limits::THREAD_REFERENCES {
            self.references.remove(1);
        }
    }
}
