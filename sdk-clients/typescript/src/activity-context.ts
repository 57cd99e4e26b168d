/** What the code of an activity knows about its attempt and can say meanwhile. */

import type { Logger } from "./logger.js";
import type { Usage } from "./usage.js";

/**
 * Why an attempt should stop: its run asked for it, the attempt is over for the coordinator (it
 * timed out or another one took its place), or the worker stops.
 */
export type CancelReason = "requested" | "fenced" | "worker stopped";

/** One attempt of an activity, as its code sees it. */
export interface ActivityContext {
  /** Name of the activity. */
  readonly activityType: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Workflow id of the run that scheduled it. */
  readonly workflowId: string;
  /** Run id of the run that scheduled it. */
  readonly runId: string;
  /** Key of the step within its run. */
  readonly key: string;
  /** Task queue it came from. */
  readonly taskQueue: string;
  /** When the attempt will time out. */
  readonly deadline: Date | undefined;
  /**
   * The same for every attempt of this step and no other: hand it to payment providers and others
   * that can tell a repeated request.
   */
  readonly idempotencyKey: string;
  /**
   * Aborted when the attempt should stop; its reason is a `CanceledError`. Hand it to `fetch` and
   * the like. An activity that lets the `CanceledError` pass confirms the cancel.
   */
  readonly signal: AbortSignal;
  /** Why it should stop; `undefined` while it should not. */
  readonly cancelReason: CancelReason | undefined;
  /** Details of the last heartbeat of an earlier attempt; `undefined` if there were none. */
  readonly heartbeatDetails: unknown;
  /** Log lines with the ids of the attempt. */
  readonly log: Logger;
  /**
   * Says that the attempt is alive and how far it got. Cheap: at most one in a third of the
   * heartbeat timeout is sent (5 s without one); the latest always is, also before a failure.
   *
   * @throws PayloadError if the details cannot be written.
   */
  heartbeat(details?: unknown): void;
  /**
   * Hands on a part of the output, to those who watch the conversation: at once, in order, not stored.
   * A chunk of any size goes; while the coordinator is away the last 1 MiB is kept. What an attempt
   * streamed counts only if it succeeds: a new attempt begins anew, and the result is what the run gets.
   */
  stream(chunk: string | Uint8Array): void;
  /**
   * Adds what the attempt used: tokens of models, cost. Sent with the result or the failure, and
   * counted by run, turn and conversation.
   *
   * @throws RangeError if a number is negative or not whole, or costs come without a currency (a code of
   *   three capital letters) or in two.
   */
  reportUsage(usage: Partial<Usage>): void;
  /** @throws CanceledError if the attempt should stop. */
  throwIfCanceled(): void;
}
