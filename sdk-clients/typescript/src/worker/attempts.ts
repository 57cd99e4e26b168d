/** The attempts of a worker: starts them, stops them, reports how they end. */

import { type ActivityContext, type CancelReason } from "../activity-context.js";
import { type ActivityFunction } from "../activity.js";
import { fromPbDuration, toDate } from "../duration.js";
import { CanceledError } from "../errors.js";
import { plainFailure, toFailure } from "../failure.js";
import { type Failure, FailureKind } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import type { ActivityTask } from "../gen/everturn/v1/worker_service_pb.js";
import { type Logger, withFields } from "../logger.js";
import { decodeOptional, type PayloadConverter } from "../payload.js";
import { type ActivityOutcome, tokenKey } from "./activity-ledger.js";

const HEARTBEAT_MS = 5_000;
const HEARTBEAT_MS_MAX = 30_000;
const HEARTBEATS_PER_TIMEOUT = 3;

/** Where attempts report to. */
export interface AttemptReports {
  finish(token: Uint8Array, outcome: ActivityOutcome): void;
  heartbeat(token: Uint8Array, details: Payload | undefined): void;
}

/** Runs the attempts of one worker. */
export class Attempts {
  readonly #open = new Map<string, Attempt>();

  constructor(
    private readonly functions: ReadonlyMap<string, ActivityFunction<never, unknown>>,
    private readonly converter: PayloadConverter,
    private readonly logger: Logger,
    private readonly reports: AttemptReports,
  ) {}

  /** Number of attempts whose code has not ended. */
  get count(): number {
    return this.#open.size;
  }

  /** Starts an attempt; its end is reported. */
  start(task: ActivityTask): void {
    const run = this.functions.get(task.activityType);
    if (run === undefined) {
      const names = [...this.functions.keys()].sort().join(", ");
      // Retryable: another worker of the queue, or the next deployment, may have it.
      const message = `activity "${task.activityType}" is not registered; this worker has: ${names}`;
      this.reports.finish(task.taskToken, failed(plainFailure(FailureKind.APPLICATION, "ActivityNotRegistered", message)));
      return;
    }
    const attempt = new Attempt(task, this.converter, this.logger, this.reports);
    const key = tokenKey(task.taskToken);
    this.#open.set(key, attempt);
    void attempt.run(run).then((outcome) => {
      this.#open.delete(key);
      this.reports.finish(task.taskToken, outcome);
    });
  }

  /** Tells an attempt to stop; nothing happens if it is over. */
  cancel(token: string, reason: CancelReason): void {
    this.#open.get(token)?.cancel(reason);
  }

  /** Tells every attempt to stop. */
  cancelAll(reason: CancelReason): void {
    for (const attempt of this.#open.values()) attempt.cancel(reason);
  }

  /** Reports what has not ended as lost, so that another worker gets it at once. */
  abandonAll(): void {
    for (const attempt of this.#open.values()) {
      const failure = plainFailure(FailureKind.WORKER_LOST, "WorkerStopped", "the worker stopped before the activity ended");
      this.reports.finish(attempt.task.taskToken, failed(failure));
    }
    this.#open.clear();
  }
}

/** The context of an attempt, made for a task; what tests use too. */
export class Attempt implements ActivityContext {
  readonly activityType: string;
  readonly attempt: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly key: string;
  readonly taskQueue: string;
  readonly deadline: Date | undefined;
  readonly idempotencyKey: string;
  readonly #abort = new AbortController();
  #cancelReason: CancelReason | undefined;
  #log: Logger | undefined;
  #details: Payload | undefined;
  #isHeartbeatDue = false;
  #sentMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly task: ActivityTask,
    private readonly converter: PayloadConverter,
    private readonly logger: Logger,
    private readonly reports: Pick<AttemptReports, "heartbeat">,
  ) {
    this.activityType = task.activityType;
    this.attempt = task.attempt;
    this.workflowId = task.workflowId;
    this.runId = task.runId;
    this.key = task.key;
    this.taskQueue = task.taskQueue;
    this.deadline = toDate(task.deadline);
    this.idempotencyKey = `${task.workflowId}/${task.key}`;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get cancelReason(): CancelReason | undefined {
    return this.#cancelReason;
  }

  get heartbeatDetails(): unknown {
    return decodeOptional(this.converter, this.task.heartbeatDetails);
  }

  get log(): Logger {
    const { activityType, attempt, workflowId, runId, key } = this;
    return (this.#log ??= withFields(this.logger, { activityType, attempt, workflowId, runId, key }));
  }

  heartbeat(details?: unknown): void {
    if (details !== undefined) this.#details = this.converter.encode(details);
    if (this.#isHeartbeatDue) return;
    this.#isHeartbeatDue = true;
    const delayMs = this.#sentMs + this.#heartbeatIntervalMs() - performance.now();
    if (delayMs > 0) this.#timer = setTimeout(() => { this.#sendHeartbeat(); }, delayMs);
    else this.#sendHeartbeat();
  }

  throwIfCanceled(): void {
    this.#abort.signal.throwIfAborted();
  }

  /** Tells the code to stop. */
  cancel(reason: CancelReason): void {
    if (this.#cancelReason !== undefined) return;
    this.#cancelReason = reason;
    this.#abort.abort(new CanceledError(`the attempt should stop: ${reason}`));
  }

  /** Runs the code; never rejects. */
  async run(code: ActivityFunction<never, unknown>): Promise<ActivityOutcome> {
    let outcome: ActivityOutcome;
    try {
      const input = decodeOptional(this.converter, this.task.input);
      const value = await code(input as never, this);
      outcome = { case: "result", value: this.converter.encode(value) };
    } catch (error) {
      outcome = failed(this.#failureOf(error));
    }
    clearTimeout(this.#timer);
    if (outcome.case === "failure" && this.#details !== undefined) this.reports.heartbeat(this.task.taskToken, this.#details);
    return outcome;
  }

  #failureOf(error: unknown): Failure {
    const isStop = this.#cancelReason !== undefined && (error instanceof CanceledError || isAbort(error));
    if (isStop && this.#cancelReason === "worker stopped") {
      return plainFailure(FailureKind.WORKER_LOST, "WorkerStopped", "the worker stopped before the activity ended");
    }
    if (isStop) return plainFailure(FailureKind.CANCELED, "Canceled", "canceled on request");
    let failure: Failure;
    try {
      failure = toFailure(error, this.converter);
    } catch (unwritable) {
      failure = toFailure(unwritable, this.converter);
    }
    // Only the answer to a cancel may say that the attempt was canceled.
    if (failure.kind === FailureKind.CANCELED) failure.kind = FailureKind.APPLICATION;
    return failure;
  }

  #heartbeatIntervalMs(): number {
    const timeout = this.task.heartbeatTimeout;
    if (timeout === undefined) return HEARTBEAT_MS;
    return Math.min(fromPbDuration(timeout) / HEARTBEATS_PER_TIMEOUT, HEARTBEAT_MS_MAX);
  }

  #sendHeartbeat(): void {
    this.#isHeartbeatDue = false;
    this.#sentMs = performance.now();
    const details = this.#details;
    this.#details = undefined;
    this.reports.heartbeat(this.task.taskToken, details);
  }
}

function failed(value: Failure): ActivityOutcome {
  return { case: "failure", value };
}

/** What `fetch` and others throw when their signal is aborted with a reason that they do not keep. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
