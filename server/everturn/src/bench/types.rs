//! Names of the code that the scenarios about many that wait, and about long
//! runs, are served by.

/// Type of the conversations that ask, and ask again after each answer.
pub(crate) const ASK_TYPE: &str = "bench-ask";
/// Type of the conversations that reply at once.
pub(crate) const REPLY_TYPE: &str = "bench-reply";
/// Type of the workflows whose input is the number of their activities.
pub(crate) const FANOUT_TYPE: &str = "bench-fanout";
/// Likewise, one after the other.
pub(crate) const HISTORY_TYPE: &str = "bench-history";
