/** Limits that the coordinator enforces and that are checked at the call. Made from `proto/rules.json` by `cargo xtask rules`. */

/** Bytes of one payload or message. */
export const PAYLOAD_BYTES = 2_097_152;
/** Bytes of a conversation's or run's state, keys included. */
export const STATE_BYTES = 262_144;
/** Activities that a run may wait for at once. SDKs hold back what is beyond it. */
export const PENDING_ACTIVITIES = 2_000;
/** Timers that a run may wait for at once. */
export const PENDING_TIMERS = 60_000;
/** Children that a run may wait for at once. SDKs hold back what is beyond it. */
export const PENDING_CHILDREN = 1_000;
/** Signals to other workflows that a run may have under way. SDKs hold back what is beyond it. */
export const PENDING_SIGNALS = 1_000;
/** Levels of child workflows below a root. */
export const CHILD_DEPTH = 16;
/** Bytes of an id, key, name, label or attribute; at least 1 where it is required. */
export const ID_BYTES = 256;
/** Labels of a conversation or run, attributes of a message. */
export const LABELS = 64;
/** Bytes of a reason given for a cancel, terminate or close. */
export const REASON_BYTES = 1_024;
/** Commands in one completion of a workflow task. */
export const COMMANDS = 10_000;
/** Approvals that a run may wait for at once. */
export const PENDING_APPROVALS = 100;
/** Bytes of what providers and customers name (ids, addresses, attributes); more is cut. */
export const OUTSIDE_BYTES = 2_048;
/** Attachments of a message. */
export const ATTACHMENTS = 100;
/** Bytes of the URI of an attachment. */
export const URI_BYTES = 8_192;
/** Bytes of the title of an approval. */
export const TITLE_BYTES = 1_024;
/** Bytes of a failure's text; more is cut. */
export const FAILURE_MESSAGE_BYTES = 16_384;
/** Bytes of a failure's stack trace; more is cut. */
export const FAILURE_STACK_BYTES = 32_768;
/** Levels of causes of a failure; deeper ones are left out. */
export const FAILURE_CAUSES = 8;
/** Causes of a failure in all, those of causes included; more are left out. */
export const FAILURE_MEMBERS = 32;
