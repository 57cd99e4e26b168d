/**
 * What a worker owes the coordinator about activities: attempts that run, results that were not
 * answered, heartbeats. Pure. Outlives streams: results are kept until they were answered and go out
 * again after a reconnect. Credits are not counted up and down by events: each grant is what is free
 * minus what the server still holds, so they cannot drift.
 */

import { create } from "@bufbuild/protobuf";
import { plainFailure } from "../failure.js";
import { FailureKind } from "../gen/everturn/v1/failure_pb.js";
import type { Usage } from "../gen/everturn/v1/message_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import {
  type ActivityHeartbeat,
  ActivityHeartbeatSchema,
  type ActivityResult,
  type ActivityTask,
  type ResultRejection,
} from "../gen/everturn/v1/worker_service_pb.js";
import { type Budget, outcomeBytes } from "./batch.js";

/** Most attempts that a worker may hold, running or with an unanswered result. */
export const ATTEMPTS_MAX = 10_000;
/** No new task is asked for while unanswered results take more bytes than this. */
export const RETAINED_BYTES_MAX = 256 * 1024 * 1024;

const HELLO_TOKEN_BYTES_MAX = 3 * 1024 * 1024;

/** How an attempt ended. */
export type ActivityOutcome = Exclude<ActivityResult["outcome"], { case: undefined }>;

interface Kept {
  readonly id: number;
  readonly token: string;
  readonly result: ActivityResult;
  readonly bytes: number;
}

interface PendingHeartbeat {
  readonly token: Uint8Array;
  readonly details: Payload | undefined;
}

/** A token as a key of maps. */
export function tokenKey(token: Uint8Array): string {
  return Buffer.from(token.buffer, token.byteOffset, token.byteLength).toString("latin1");
}

/** The attempts of one worker and their results. */
export class ActivityLedger {
  readonly #running = new Map<string, Uint8Array>();
  /** Given up by the server, but their code has not ended yet. */
  readonly #dropped = new Set<string>();
  readonly #results = new Map<number, Kept>();
  readonly #resultOf = new Map<string, number>();
  readonly #heartbeats = new Map<string, PendingHeartbeat>();
  #unsent = new Set<number>();
  #retainedBytes = 0;
  #outstanding = 0;
  #helloTokens: string[] = [];

  constructor(
    private readonly slots: number,
    private readonly nextResultId: () => number,
  ) {}

  /** Whether an attempt is under way. */
  isRunning(token: Uint8Array): boolean {
    return this.#running.has(tokenKey(token));
  }

  /** Number of attempts under way. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Number of results that the server has not answered. */
  get unansweredCount(): number {
    return this.#results.size;
  }

  /** Number of tasks that the server may still send. */
  get outstandingCredits(): number {
    return this.#outstanding;
  }

  /** True when nothing runs and everything was answered. */
  get isSettled(): boolean {
    return this.#running.size === 0 && this.#results.size === 0;
  }

  /** True when there is something to send. */
  get hasOutput(): boolean {
    return this.#unsent.size > 0 || this.#heartbeats.size > 0;
  }

  // -- the stream -------------------------------------------------------------------

  /** A stream begins; returns the tokens that Hello lists. */
  begin(): Uint8Array[] {
    this.#unsent.clear();
    this.#outstanding = 0;
    this.#helloTokens = [];
    const tokens: Uint8Array[] = [];
    let bytes = 0;
    const add = (key: string, token: Uint8Array): boolean => {
      bytes += token.length + 4;
      if (tokens.length === ATTEMPTS_MAX || bytes > HELLO_TOKEN_BYTES_MAX) return false;
      this.#helloTokens.push(key);
      tokens.push(token);
      return true;
    };
    for (const [key, token] of this.#running) if (!add(key, token)) return tokens;
    for (const kept of this.#results.values()) if (!add(kept.token, kept.result.taskToken)) return tokens;
    return tokens;
  }

  /** The server said which of the listed attempts are over. Unanswered results go out again, oldest first. */
  welcome(abortedIndexes: readonly number[]): { token: string; isFenced: boolean }[] {
    const cancels: { token: string; isFenced: boolean }[] = [];
    for (const index of abortedIndexes) {
      const token = this.#helloTokens[index];
      if (token !== undefined) cancels.push(...this.cancel(token, true));
    }
    this.#helloTokens = [];
    this.#unsent = new Set(this.#results.keys());
    return cancels;
  }

  /** Takes tasks in; returns those that are new. */
  takeTasks(tasks: readonly ActivityTask[]): ActivityTask[] {
    this.#outstanding = Math.max(0, this.#outstanding - tasks.length);
    return tasks.filter((task) => {
      const key = tokenKey(task.taskToken);
      // Delivered again: it runs already, or its result is on its way.
      if (this.#running.has(key) || this.#resultOf.has(key) || this.#dropped.has(key)) return false;
      this.#running.set(key, task.taskToken);
      return true;
    });
  }

  /** A cancel notice; returns whom to tell. */
  cancel(token: string, isFenced: boolean): { token: string; isFenced: boolean }[] {
    const told = this.#running.has(token) ? [{ token, isFenced }] : [];
    if (isFenced) this.#drop(token);
    return told;
  }

  /** A result is durable. */
  accepted(resultId: number): boolean {
    return this.#forget(resultId) !== undefined;
  }

  /** A result was not taken. Says what became of it; `undefined` if it is not one of an activity. */
  rejected(resultId: number, rejection: ResultRejection): "later" | "dropped" | "replaced" | undefined {
    if (!this.#results.has(resultId)) return undefined;
    if (rejection.reason === "PARTITION_MOVED") return "later";
    const kept = this.#forget(resultId);
    const isRefused = rejection.reason === "LIMIT_EXCEEDED" || rejection.reason === "FIELD_INVALID";
    return kept !== undefined && isRefused && this.#replace(kept.result, kept.token, rejection) ? "replaced" : "dropped";
  }

  /** What was reported cannot be taken: the run must learn that, not wait in vain. False if this is what it was told. */
  #replace({ outcome, taskToken, usage }: ActivityResult, token: string, { reason, message }: ResultRejection): boolean {
    const failure = outcome.case === "failure" ? outcome.value : undefined;
    const isReplaced = failure?.type === reason;
    if (isReplaced && usage === undefined) return false;
    const text = `the coordinator refused the result: ${message}`;
    const value = plainFailure(failure?.kind ?? FailureKind.APPLICATION, reason, text, failure?.nonRetryable ?? true);
    // If it is refused again it was for its usage.
    this.#retain(token, taskToken, { case: "failure", value }, true, isReplaced ? undefined : usage);
    return true;
  }

  /** Sends results again that were rejected for now. */
  resend(resultIds: readonly number[]): void {
    for (const id of resultIds) if (this.#results.has(id)) this.#unsent.add(id);
  }

  /** Heartbeats that go out now, and the attempts that they are of. */
  takeHeartbeats(budget: Budget): ActivityHeartbeat[] {
    const taken: ActivityHeartbeat[] = [];
    for (const [key, { token, details }] of this.#heartbeats) {
      if (!budget.take(token.length + (details?.data.length ?? 0) + 64)) break;
      this.#heartbeats.delete(key);
      taken.push(create(ActivityHeartbeatSchema, details === undefined ? { taskToken: token } : { taskToken: token, details }));
    }
    return taken;
  }

  /**
   * Results that go out now.
   *
   * @param isHeldBack Whether something else of an attempt goes out in the same message or later: its
   *   result must come after it.
   */
  takeResults(budget: Budget, isHeldBack: (token: string) => boolean): ActivityResult[] {
    const taken: ActivityResult[] = [];
    for (const id of this.#unsent) {
      const kept = this.#results.get(id);
      if (kept !== undefined) {
        if (isHeldBack(kept.token) || this.#heartbeats.has(kept.token)) continue;
        if (!budget.take(kept.bytes)) break;
        taken.push(kept.result);
      }
      this.#unsent.delete(id);
    }
    return taken;
  }

  /** Credits to grant now. */
  takeCredits(isDraining: boolean): number {
    if (isDraining || this.#retainedBytes > RETAINED_BYTES_MAX) return 0;
    // A result that waits to be sent still has its slot.
    const busy = this.#running.size + this.#dropped.size + this.#outstanding;
    const credits = Math.max(0, Math.min(this.slots - busy - this.#unsent.size, ATTEMPTS_MAX - busy - this.#results.size));
    this.#outstanding += credits;
    return credits;
  }

  // -- attempts -----------------------------------------------------------------------

  /** An attempt ended. False if the server had given it up: the result is not wanted. */
  finish(token: Uint8Array, outcome: ActivityOutcome, isOpen: boolean, usage?: Usage): boolean {
    const key = tokenKey(token);
    if (!this.#running.delete(key)) {
      this.#dropped.delete(key);
      return false;
    }
    // Progress of an attempt that succeeded is of no use to anyone.
    if (outcome.case === "result") this.#heartbeats.delete(key);
    this.#retain(key, token, outcome, isOpen, usage);
    return true;
  }

  /** Queues a sign of life; a newer one replaces one that was not sent, but does not take its details away. */
  heartbeat(token: Uint8Array, details: Payload | undefined): void {
    const key = tokenKey(token);
    if (this.#running.has(key)) this.#heartbeats.set(key, { token, details: details ?? this.#heartbeats.get(key)?.details });
  }

  #retain(key: string, taskToken: Uint8Array, outcome: ActivityOutcome, isOpen: boolean, usage: Usage | undefined): void {
    const id = this.nextResultId();
    const result: ActivityResult = { $typeName: "everturn.v1.ActivityResult", resultId: BigInt(id), taskToken, outcome };
    if (usage !== undefined) result.usage = usage;
    const kept = { id, token: key, result, bytes: outcomeBytes(outcome.value) + taskToken.length + 64 };
    this.#results.set(id, kept);
    this.#resultOf.set(key, id);
    this.#retainedBytes += kept.bytes;
    if (isOpen) this.#unsent.add(id);
  }

  /** Code that runs keeps its slot until it ends, so that functions that ignore a cancel cannot pile up. */
  #drop(key: string): void {
    if (this.#running.delete(key)) this.#dropped.add(key);
    this.#heartbeats.delete(key);
    const resultId = this.#resultOf.get(key);
    if (resultId !== undefined) this.#forget(resultId);
  }

  #forget(resultId: number): Kept | undefined {
    const kept = this.#results.get(resultId);
    if (kept !== undefined) {
      this.#results.delete(resultId);
      this.#unsent.delete(resultId);
      this.#resultOf.delete(kept.token);
      this.#heartbeats.delete(kept.token);
      this.#retainedBytes -= kept.bytes;
    }
    return kept;
  }
}
