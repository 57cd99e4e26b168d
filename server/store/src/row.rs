//! Rows: what goes into a store and comes out of it.

use std::sync::Arc;

use bytes::Bytes;

/// Names a root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootKey {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Id, unique in the namespace.
    pub root_id: Arc<str>,
}

impl RootKey {
    /// The hash that assigns roots to partitions and finds them: FNV-1a of
    /// namespace, a byte that UTF-8 never holds, and id
    /// (<http://www.isthe.com/chongo/tech/comp/fnv/>), then mixed by the
    /// finalizer of MurmurHash3, so that low bits depend on all of it. Stored:
    /// it never changes.
    #[must_use]
    pub fn hash64(&self) -> u64 {
        let bytes = self
            .namespace
            .bytes()
            .chain([0xff])
            .chain(self.root_id.bytes());
        let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

/// One append to the log of a partition.
#[derive(Clone, Debug)]
pub struct Append {
    /// The partition.
    pub partition: u32,
    /// Epoch of its owner.
    pub owner_epoch: u32,
    /// Position in the log, dense from 1.
    pub sequence: u64,
    /// What happened.
    pub payload: Bytes,
}

/// One row of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Position in the log.
    pub sequence: u64,
    /// What happened.
    pub payload: Bytes,
}

/// What a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKind {
    /// A conversation.
    Conversation,
    /// A top-level workflow.
    Workflow,
    /// What conversations of a type begin with.
    Settings,
    /// Which conversation a customer's address has.
    Contact,
}

impl RootKind {
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Conversation => 1,
            Self::Workflow => 2,
            Self::Settings => 3,
            Self::Contact => 4,
        }
    }

    pub(crate) fn from_code(code: i64) -> Self {
        match code {
            1 => Self::Conversation,
            2 => Self::Workflow,
            4 => Self::Contact,
            _ => Self::Settings,
        }
    }
}

/// Why a root or run waits, as lists are filtered by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitColumns {
    /// The reason, in the runtime's numbers; 0 for none.
    pub reason: u8,
    /// Task queue that it is in, or empty.
    pub queue: Arc<str>,
    /// Of a conversation: since when its customer has no answer, if that is so.
    pub unanswered_since: Option<i64>,
}

/// A value of a root's state that is stored apart from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateValue {
    /// Its version, unique in the root.
    pub version: u64,
    /// The value.
    pub payload: Bytes,
}

/// A root in the view. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRow {
    /// Its key.
    pub key: RootKey,
    /// What it is.
    pub kind: RootKind,
    /// Its type.
    pub type_name: Arc<str>,
    /// How it stands, in the runtime's numbers.
    pub status: u8,
    /// When it came into being.
    pub create_time: i64,
    /// When it last changed.
    pub update_time: i64,
    /// When it has something to do.
    pub next_deadline: Option<i64>,
    /// Since when it has something to do now, if it has.
    pub work_since: Option<i64>,
    /// Why it waits.
    pub wait: WaitColumns,
    /// The last append that it knows of.
    pub applied_sequence: u64,
    /// Its state.
    pub snapshot: Bytes,
    /// What its state refers to: all of them when it is read; those that are
    /// not stored yet when it is written.
    pub values: Vec<StateValue>,
    /// When it is written: versions of stored values that nothing refers to
    /// any more.
    pub forgotten_values: Vec<u64>,
    /// What lists show of it.
    pub summary: Bytes,
}

/// A run in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Run id.
    pub run_id: [u8; 16],
    /// The root that it belongs to.
    pub key: RootKey,
    /// Workflow id.
    pub workflow_id: Arc<str>,
    /// Workflow type.
    pub type_name: Arc<str>,
    /// Task queue.
    pub task_queue: Arc<str>,
    /// How it stands, in the runtime's numbers.
    pub status: u8,
    /// Workflow id of the parent, if it is a child.
    pub parent_workflow_id: Option<Arc<str>>,
    /// When it started.
    pub start_time: i64,
    /// When it closed.
    pub close_time: Option<i64>,
    /// Events in its journal.
    pub event_count: u64,
    /// Why it waits.
    pub wait: WaitColumns,
    /// What else is known of it.
    pub detail: Bytes,
}

/// Consecutive events of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryChunk {
    /// The run.
    pub run_id: [u8; 16],
    /// Id of the first event in it.
    pub first_event_id: u64,
    /// Id of the last event in it.
    pub last_event_id: u64,
    /// The events.
    pub payload: Bytes,
}

/// Consecutive messages of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChunk {
    /// The conversation.
    pub key: RootKey,
    /// Position of the first message in it.
    pub first_sequence: u64,
    /// Position of the last message in it.
    pub last_sequence: u64,
    /// The messages.
    pub payload: Bytes,
}

/// An approval in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRow {
    /// The root that it belongs to.
    pub key: RootKey,
    /// Its id, unique in the namespace.
    pub approval_id: Arc<str>,
    /// How it stands, in the runtime's numbers.
    pub status: u8,
    /// When it was requested.
    pub request_time: i64,
    /// What else is known of it.
    pub detail: Bytes,
}

/// Rows for the view.
#[derive(Clone, Debug, Default)]
pub struct Flush {
    /// The partition that they come from.
    pub partition: u32,
    /// Epoch of its owner.
    pub owner_epoch: u32,
    /// Roots that changed.
    pub roots: Vec<RootRow>,
    /// Runs that changed.
    pub runs: Vec<RunRow>,
    /// New parts of journals.
    pub history: Vec<HistoryChunk>,
    /// New parts of transcripts.
    pub messages: Vec<MessageChunk>,
    /// Approvals that changed.
    pub approvals: Vec<ApprovalRow>,
    /// Roots whose runs, journals, transcripts and approvals are removed,
    /// before anything else is written.
    pub erased: Vec<RootKey>,
    /// The view holds everything up to this append: the log may forget it.
    pub trim_log_through: Option<u64>,
}

/// Which roots are looked for because they have something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Those with a deadline before this time.
    Before(i64),
    /// Those that have something to do now.
    Work,
}

/// What a list is restricted to.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Only of this type.
    pub type_name: Option<Arc<str>>,
    /// Only of this status, in the runtime's numbers.
    pub status: Option<u8>,
    /// Only what waits like this.
    pub waits: Option<WaitFilter>,
    /// Only conversations whose customer has had no answer since before then.
    pub unanswered_before: Option<i64>,
    /// Only what comes after the end of a page.
    pub after: Option<Cursor>,
    /// Rows of the page.
    pub limit: usize,
}

impl Filter {
    /// Everything of a namespace.
    #[must_use]
    pub fn of(namespace: impl Into<Arc<str>>, limit: usize) -> Self {
        Self {
            namespace: namespace.into(),
            type_name: None,
            status: None,
            waits: None,
            unanswered_before: None,
            after: None,
            limit,
        }
    }
}

/// How something is to wait.
#[derive(Clone, Debug, Default)]
pub struct WaitFilter {
    /// For one of these reasons,
    pub reasons: Vec<u8>,
    /// or for this one, in one of these task queues.
    pub queued: Option<(u8, Vec<Arc<str>>)>,
}

/// Where a page of a list ended: the sort key and the id of its last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time that the list is sorted by.
    pub time: i64,
    /// Id of the row, as bytes.
    pub id: Vec<u8>,
}
