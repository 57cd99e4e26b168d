//! Every limit of the engine, in one place. Each is enforced with a typed
//! rejection and documented in `docs/limits.md`. Made from
//! `proto/rules.json` by `cargo xtask rules`.

/// Bytes of one payload or message.
pub const PAYLOAD_BYTES: usize = 2_097_152;
/// Bytes of a conversation's or run's state, keys included.
pub const STATE_BYTES: usize = 262_144;
/// Events in the journal of a run.
pub const JOURNAL_EVENTS: u64 = 250_000;
/// Events kept free in a journal for the run's own end.
pub const JOURNAL_RESERVE: u64 = 16;
/// Events in the journal of a run from which on no attempt is repeated: the
/// code has room left to deal with the failure.
pub const JOURNAL_RETRIES: u64 = 225_000;
/// Activities that a run may wait for at once. SDKs hold back what is beyond
/// it.
pub const PENDING_ACTIVITIES: usize = 2_000;
/// Timers that a run may wait for at once.
pub const PENDING_TIMERS: usize = 60_000;
/// Children that a run may wait for at once. SDKs hold back what is beyond it.
pub const PENDING_CHILDREN: usize = 1_000;
/// Signals to other workflows that a run may have under way. SDKs hold back
/// what is beyond it.
pub const PENDING_SIGNALS: usize = 1_000;
/// Runs that may be open under one root.
pub const OPEN_RUNS: usize = 10_000;
/// Levels of child workflows below a root.
pub const CHILD_DEPTH: usize = 16;
/// Inbound messages that wait for a turn.
pub const MAILBOX_MESSAGES: usize = 1_000;
/// Messages, the customer's and people's, whose ids a conversation remembers.
pub const REMEMBERED_MESSAGES: usize = 1_000;
/// Events whose ids a conversation remembers.
pub const REMEMBERED_EVENTS: usize = 1_000;
/// Request ids that a root remembers: as many as the signals that another root
/// may have under way, which it repeats after a crash.
pub const REMEMBERED_REQUESTS: usize = 1_000;
/// Bytes of an id, key, name, label or attribute; at least 1 where it is
/// required.
pub const ID_BYTES: usize = 256;
/// Labels of a conversation or run, attributes of a message.
pub const LABELS: usize = 64;
/// Bytes of a reason given for a cancel, terminate or close.
pub const REASON_BYTES: usize = 1_024;
/// Messages of the transcript's end that a turn is given.
pub const RECENT_MESSAGES: usize = 20;
/// Bytes of the transcript's end that a turn is given.
pub const RECENT_BYTES: usize = 32_768;
/// Commands in one completion of a workflow task.
pub const COMMANDS: usize = 10_000;
/// Bytes of the messages, and bytes of the events, that wait for a turn.
pub const MAILBOX_BYTES: usize = 8_388_608;
/// Events that wait for a turn.
pub const MAILBOX_EVENTS: usize = 1_000;
/// Bytes of messages, or of events, that a turn, an answer or a notification
/// takes together; more wait for the next one.
pub const BURST_BYTES: usize = 1_048_576;
/// Approvals that a run may wait for at once.
pub const PENDING_APPROVALS: usize = 100;
/// Approvals that a root remembers after they ended.
pub const ENDED_APPROVALS: usize = 100;
/// Deliveries that a conversation remembers.
pub const DELIVERIES: usize = 256;
/// Addresses of a conversation.
pub const ADDRESSES: usize = 16;
/// Messages that were written while a person owned the conversation and that
/// its turn is given with the hand-back.
pub const HANDOVER_MESSAGES: usize = 10_000;
/// Bytes of what was written while a person owned the conversation and that
/// its turn is given with the hand-back.
pub const HANDOVER_BYTES: usize = 8_388_608;
/// Attempts at what a turn was given, if its policy repeats those that fail.
pub const TURN_ATTEMPTS: u32 = 100;
/// Interrupts of one episode that a policy may allow.
pub const MAX_INTERRUPTS: u32 = 1_000;
/// Steps of interrupted turns that the next turn is told of.
pub const EPISODE_STEPS: usize = 100;
/// Bytes of the results of those steps; the results of later ones are left
/// out.
pub const EPISODE_BYTES: usize = 65_536;
/// Messages of a conversation that wait for the end of quiet hours.
pub const HELD_MESSAGES: usize = 100;
/// Activities whose use a conversation remembers, to reserve as much from its
/// budget.
pub const ESTIMATES: usize = 64;
/// Days in which a message of the customer reopens a closed conversation.
pub const REOPEN_DAYS: i64 = 30;
/// Bytes of what providers and customers name (ids, addresses, attributes);
/// more is cut.
pub const OUTSIDE_BYTES: usize = 2_048;
/// Attachments of a message.
pub const ATTACHMENTS: usize = 100;
/// Bytes of the URI of an attachment.
pub const URI_BYTES: usize = 8_192;
/// Seconds that a delivery which is under way holds back what goes out by the
/// same channel after it.
pub const DELIVERY_HOLD_SECONDS: i64 = 600;
/// Receipts that a conversation keeps for messages whose id is not known yet.
pub const EARLY_RECEIPTS: usize = 64;
/// Ids of messages that an adapter is given as the thread of a reply.
pub const THREAD_REFERENCES: usize = 50;
/// Turns in a window that a turn cap may allow.
pub const CAPPED_TURNS: u32 = 10_000;
/// Conversations that may be merged into one.
pub const ABSORBED: usize = 64;
/// Messages of an imported transcript.
pub const IMPORTED_MESSAGES: u64 = 10_000;
/// Seconds for which a customer who types is taken to go on.
pub const TYPING_SECONDS: i64 = 6;
/// Addresses of ours in a turn policy.
pub const OWN_ADDRESSES: usize = 64;
/// Bytes of the title of an approval.
pub const TITLE_BYTES: usize = 1_024;
/// Bytes of a failure's text; more is cut.
pub const FAILURE_MESSAGE_BYTES: usize = 16_384;
/// Bytes of a failure's stack trace; more is cut.
pub const FAILURE_STACK_BYTES: usize = 32_768;
/// Levels of causes of a failure; deeper ones are left out.
pub const FAILURE_CAUSES: usize = 8;
/// Causes of a failure in all, those of causes included; more are left out.
pub const FAILURE_MEMBERS: usize = 32;
