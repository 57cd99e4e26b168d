//! How much a store holds, by kind.

/// How much of a store is of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindStats {
    /// What it is: log, roots, values, runs, journals, transcripts, approvals, other.
    pub kind: &'static str,
    /// Rows that there are.
    pub rows: u64,
    /// Bytes of its pages, those of its indexes included.
    pub bytes: u64,
}

/// How much a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStats {
    /// By kind.
    pub kinds: Vec<KindStats>,
    /// Bytes of pages that hold nothing and are used again; 0 when that is not
    /// known.
    pub free_bytes: u64,
    /// Bytes of the file, or of all tables.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log beside a file.
    pub write_ahead_bytes: u64,
}

/// Kinds and their tables.
pub(crate) const KINDS: [(&str, &str); 7] = [
    ("log", "log"),
    ("roots", "roots"),
    ("values", "state_values"),
    ("runs", "runs"),
    ("journals", "history"),
    ("transcripts", "messages"),
    ("approvals", "approvals"),
];
