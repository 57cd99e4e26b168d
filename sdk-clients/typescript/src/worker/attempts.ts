/** The attempts of a worker: starts them, stops them, reports how they end. */

import { clearTimeout, monotonicMs, setTimeout } from "../natives.js";
import { type ActivityContext, type CancelReason } from "../activity-context.js";
import { type ActivityFunction } from "../activity.js";
import { DELIVERY_QUEUE_PREFIX, fromPbDelivery, type ImplementedDelivery } from "../delivery.js";
import { fromPbDuration, toDate } from "../duration.js";
import { ApplicationError, CanceledError, DeliveryUnknownError } from "../errors.js";
import { plainFailure, toFailure } from "../failure.js";
import { type Failure, FailureKind } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { type Usage as PbUsage } from "../gen/everturn/v1/message_pb.js";
import type { ActivityTask, Delivery as PbDelivery, TypingNotice as PbTypingNotice } from "../gen/everturn/v1/worker_service_pb.js";
import { type Logger, withFields } from "../logger.js";
import { decodeOptional, encodeBounded, jsonConverter, type PayloadConverter } from "../payload.js";
import { fromPbTypingNotice } from "../typing.js";
import { toPbUsage, type Usage, UsageTally } from "../usage.js";
import { type ActivityOutcome, tokenKey } from "./activity-ledger.js";
import { piecesOf } from "./output-ledger.js";

const HEARTBEAT_MS = 5_000;
const HEARTBEAT_MS_MAX = 30_000;
const HEARTBEATS_PER_TIMEOUT = 3;

/** Where attempts report to. */
export interface AttemptReports {
  finish(token: Uint8Array, outcome: ActivityOutcome, usage: PbUsage | undefined): void;
  heartbeat(token: Uint8Array, details: Payload | undefined): void;
  /** Hands partial output on; false if older pieces had to be left out. */
  output(token: Uint8Array, pieces: readonly Uint8Array[]): boolean;
}

/** What attempts run: activities by name, adapters by channel. */
export interface AttemptCode {
  readonly functions: ReadonlyMap<string, ActivityFunction<never, unknown>>;
  readonly adapters: ReadonlyMap<string, ImplementedDelivery>;
}

/** Runs the attempts of one worker. */
export class Attempts {
  readonly #open = new Map<string, Attempt>();

  constructor(
    private readonly code: AttemptCode,
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
    const run = task.delivery === undefined ? this.code.functions.get(task.activityType) : this.#delivery(task, task.delivery);
    if (run === undefined) {
      // Retryable: another worker of the queue, or the next deployment, may have it.
      this.reports.finish(task.taskToken, failed(this.#unknown(task)), undefined);
      return;
    }
    const attempt = new Attempt(task, this.converter, this.logger, this.reports);
    const key = tokenKey(task.taskToken);
    this.#open.set(key, attempt);
    void attempt.run(run).then((outcome) => {
      this.#open.delete(key);
      this.reports.finish(task.taskToken, outcome, attempt.usage);
    });
  }

  /** Runs the adapter of a channel. */
  #delivery(task: ActivityTask, pb: PbDelivery): ActivityFunction<never, unknown> | undefined {
    const adapter = this.code.adapters.get(task.taskQueue.slice(DELIVERY_QUEUE_PREFIX.length));
    if (adapter === undefined) return undefined;
    return async (_input, context) => {
      const delivery = fromPbDelivery(pb, this.converter);
      if (delivery.action !== "deliver" && !adapter.canChange) {
        throw new ApplicationError(`the adapter of "${adapter.channel}" cannot change messages`, { type: "DeliveryChangeUnsupported", nonRetryable: true });
      }
      const receipt: { readonly providerMessageId?: unknown } | undefined = await adapter.deliver(delivery, context);
      const id = receipt?.providerMessageId;
      // The message is out: an id of a wrong type must not make a failure of it.
      return { providerMessageId: typeof id === "number" || typeof id === "bigint" ? String(id) : typeof id === "string" ? id : "" };
    };
  }

  /** Lets the adapter of a channel show who types. Nothing depends on it. */
  showTyping(pb: PbTypingNotice): void {
    const notice = fromPbTypingNotice(pb);
    const show = this.code.adapters.get(notice.channel)?.showTyping;
    if (show === undefined) return;
    void (async (): Promise<void> => { await show(notice); })().catch((error: unknown) => {
      this.logger.warn("typing could not be shown", { channel: notice.channel, conversationId: notice.conversationId, reason: String(error) });
    });
  }

  #unknown({ activityType, taskQueue, delivery }: ActivityTask): Failure {
    if (delivery !== undefined) {
      return plainFailure(FailureKind.APPLICATION, "DeliveryNotRegistered", `this worker has no adapter for the queue "${taskQueue}"`);
    }
    const names = [...this.code.functions.keys()].sort().join(", ");
    const message = `activity "${activityType}" is not registered; this worker has: ${names}`;
    return plainFailure(FailureKind.APPLICATION, "ActivityNotRegistered", message);
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
      const failure = attempt.task.delivery === undefined ? workerStopped() : cutOff();
      this.reports.finish(attempt.task.taskToken, failed(failure), attempt.usage);
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
  readonly #usage = new UsageTally();
  #isOver = false;
  #isOutputCut = false;

  constructor(
    readonly task: ActivityTask,
    private readonly converter: PayloadConverter,
    private readonly logger: Logger,
    private readonly reports: Pick<AttemptReports, "heartbeat" | "output">,
  ) {
    this.activityType = task.activityType;
    this.attempt = task.attempt;
    this.workflowId = task.workflowId;
    this.runId = task.runId;
    this.key = task.key;
    this.taskQueue = task.taskQueue;
    this.deadline = toDate(task.deadline);
    const own = task.idempotencyKey === "" ? `${task.workflowId}/${task.key}` : task.idempotencyKey;
    this.idempotencyKey = task.delivery?.idempotencyKey ?? own;
  }

  /** What it used so far, if it said so. */
  get usage(): PbUsage | undefined {
    const { total } = this.#usage;
    return total === undefined ? undefined : toPbUsage(total);
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
    if (details !== undefined) this.#details = encodeBounded(this.converter, details);
    if (this.#isHeartbeatDue) return;
    this.#isHeartbeatDue = true;
    const delayMs = this.#sentMs + this.#heartbeatIntervalMs() - monotonicMs();
    if (delayMs > 0) this.#timer = setTimeout(() => { this.#sendHeartbeat(); }, delayMs);
    else this.#sendHeartbeat();
  }

  stream(chunk: string | Uint8Array): void {
    if (this.#isOver) return;
    const pieces = piecesOf(chunk);
    if (pieces.length === 0 || this.reports.output(this.task.taskToken, pieces) || this.#isOutputCut) return;
    this.#isOutputCut = true;
    this.log.warn("partial output left out: the coordinator does not take it fast enough");
  }

  reportUsage(usage: Partial<Usage>): void {
    this.#usage.add(usage);
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
    const isDelivery = this.task.delivery !== undefined;
    let outcome: ActivityOutcome;
    try {
      const input = isDelivery ? undefined : decodeOptional(this.converter, this.task.input);
      const value = await code(input as never, this);
      outcome = { case: "result", value: encodeBounded(isDelivery ? jsonConverter : this.converter, value) };
    } catch (error) {
      outcome = failed(this.#failureOf(error));
    }
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (outcome.case === "failure" && this.#details !== undefined) this.reports.heartbeat(this.task.taskToken, this.#details);
    return outcome;
  }

  /** Whether an error is how the code ended because it was told to stop. */
  #isStopped(error: unknown): boolean {
    return this.#cancelReason !== undefined && (error instanceof CanceledError || isAbort(error));
  }

  #failureOf(error: unknown): Failure {
    const isStop = this.#isStopped(error);
    if (this.task.delivery !== undefined) {
      // Any other failure would say that the provider does not have the message.
      if (isStop) return cutOff();
      if (error instanceof DeliveryUnknownError) return deliveryUnknown(error);
    }
    if (isStop && this.#cancelReason === "worker stopped") return workerStopped();
    if (isStop) return plainFailure(FailureKind.CANCELED, "Canceled", "canceled on request");
    const failure = toFailure(error, this.converter);
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
    this.#sentMs = monotonicMs();
    const details = this.#details;
    this.#details = undefined;
    this.reports.heartbeat(this.task.taskToken, details);
  }
}

function failed(value: Failure): ActivityOutcome {
  return { case: "failure", value };
}

function workerStopped(): Failure {
  return plainFailure(FailureKind.WORKER_LOST, "WorkerStopped", "the worker stopped before the activity ended");
}

function cutOff(): Failure {
  return plainFailure(FailureKind.WORKER_LOST, "DeliveryCutOff", "the adapter was stopped while it had the message", true);
}

function deliveryUnknown({ message }: DeliveryUnknownError): Failure {
  return plainFailure(FailureKind.WORKER_LOST, "DeliveryUnknown", message || "the adapter cannot tell whether the message was sent", true);
}

/** What `fetch` and others throw when their signal is aborted with a reason that they do not keep. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
