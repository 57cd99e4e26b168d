/**
 * One worker's side of the `Work` protocol. Pure: no I/O, no clock.
 *
 *     DISCONNECTED --connect--> GREETING --Welcome--> OPEN
 *          ^                        |                   |
 *          +------ disconnect ------+-------------------+
 *
 * What goes in: messages of the server (`receive`), results and heartbeats, the passing of time
 * (`tick`). What comes out: the next message to send (`take`), attempts to start and to stop,
 * workflow tasks to do, answers to completions.
 */

import { create } from "@bufbuild/protobuf";
import { DELIVERY_QUEUE_PREFIX } from "../delivery.js";
import { fromPbDuration } from "../duration.js";
import type { Usage } from "../gen/everturn/v1/message_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import {
  type ActivityTask,
  TaskKind,
  type TypingNotice,
  type WorkflowTask,
  type WorkflowTaskResult,
  type WorkRequest,
  WorkRequestSchema,
  type WorkResponse,
} from "../gen/everturn/v1/worker_service_pb.js";
import { ActivityLedger, type ActivityOutcome, tokenKey } from "./activity-ledger.js";
import { Budget } from "./batch.js";
import { OutputLedger } from "./output-ledger.js";
import { type WorkflowAnswer, WorkflowLedger, type WorkflowTaskRef } from "./workflow-ledger.js";

const GREETING_MS = 10_000;
const PING_DEFAULT_MS = 10_000;
const SILENT_INTERVALS_MAX = 3;

/** Where the session stands. */
export type Phase = "disconnected" | "greeting" | "open";

/** What a worker says about itself. */
export interface SessionOptions {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly identity: string;
  readonly buildId: string;
  /** Most attempts at a time; 0 if the worker takes none. */
  readonly activitySlots: number;
  /** Most workflow tasks at a time; 0 if the worker takes none. */
  readonly workflowSlots: number;
  /** Channels whose messages it delivers. Default: none. */
  readonly deliveries?: readonly { readonly channel: string; readonly canReconcile: boolean; readonly showTyping?: unknown }[];
  /** False: it takes no activities but deliveries. Default true. */
  readonly takesActivities?: boolean;
  /** Bytes of values of states that it keeps. Default: none. */
  readonly stateCacheBytes?: number;
  /** Activities that it has. */
  readonly activityTypes?: readonly string[];
  /** Workflows and conversations that it has. */
  readonly workflowTypes?: readonly string[];
  /** Activities that its code may ask for, with their task queue if they name one. */
  readonly usedTypes?: () => readonly { readonly name: string; readonly taskQueue: string | undefined }[];
}

/** What a message of the server asks the worker to do. */
export interface Received {
  /** Attempts to start. */
  activityTasks: ActivityTask[];
  /** Workflow tasks to do. */
  workflowTasks: { task: WorkflowTask; ref: WorkflowTaskRef }[];
  /** Attempts to stop, and whether they are over already. */
  cancels: { token: string; isFenced: boolean }[];
  /** What became of completions. */
  answers: WorkflowAnswer[];
  /** Runs that need not be cached any longer. */
  evictedRunIds: readonly string[];
  /** Who types, for adapters to show. */
  typing: readonly TypingNotice[];
  /** Numbers of results to hand to `resend` after a pause. */
  resendLater: number[];
  /** Results that are given up, with the reason. */
  dropped: { reason: string; message: string }[];
}

/** State of one worker, across all its streams. */
export class Session {
  readonly activities: ActivityLedger;
  readonly workflows: WorkflowLedger;
  readonly outputs = new OutputLedger();
  #phase: Phase = "disconnected";
  #streamId = 0n;
  #isDraining = false;
  #isDrainUnsent = false;
  #acks: bigint[] = [];
  #pong = 0n;
  #isPingDue = false;
  #lastPing = 0n;
  #lastResultId = 0;
  #pingIntervalMs = PING_DEFAULT_MS;
  #receivedMs = 0;
  #sentMs = 0;
  #askedMs: number | undefined;

  constructor(private readonly options: SessionOptions) {
    const nextId = (): number => (this.#lastResultId += 1);
    this.activities = new ActivityLedger(options.activitySlots, nextId);
    this.workflows = new WorkflowLedger(options.workflowSlots, nextId);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Number of the stream, for logs. */
  get streamId(): bigint {
    return this.#streamId;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** How often a ping is due on an idle stream. */
  get pingIntervalMs(): number {
    return this.#pingIntervalMs;
  }

  /** True when a draining worker has nothing left to finish or report. */
  get isDone(): boolean {
    return this.#isDraining && this.activities.isSettled && this.workflows.isSettled;
  }

  /** Begins a new stream; returns its first message. */
  connect(nowMs: number): WorkRequest {
    if (this.#phase !== "disconnected") throw new Error("one stream at a time");
    this.#phase = "greeting";
    this.#acks = [];
    this.#pong = 0n;
    this.#isPingDue = false;
    this.#isDrainUnsent = this.#isDraining;
    this.#receivedMs = this.#sentMs = nowMs;
    this.#askedMs = undefined;
    this.workflows.reset();
    this.outputs.rewind();
    const { namespace, taskQueue, identity, buildId, activitySlots, workflowSlots, deliveries = [], takesActivities = true } = this.options;
    const { stateCacheBytes = 0, activityTypes = [], workflowTypes = [], usedTypes = (): [] => [] } = this.options;
    const queues = [
      ...(workflowSlots > 0 ? [{ taskQueue, kind: TaskKind.WORKFLOW }] : []),
      ...(activitySlots > 0 && takesActivities ? [{ taskQueue, kind: TaskKind.ACTIVITY }] : []),
      ...deliveries.map(({ channel, canReconcile, showTyping }) => ({
        taskQueue: `${DELIVERY_QUEUE_PREFIX}${channel}`,
        kind: TaskKind.ACTIVITY,
        canReconcile,
        canShowTyping: showTyping !== undefined,
      })),
    ];
    const runningTaskTokens = this.activities.begin();
    const used = usedTypes().map(({ name, taskQueue: queue }) => ({ taskQueue: queue ?? taskQueue, kind: TaskKind.ACTIVITY, typeName: name }));
    return create(WorkRequestSchema, {
      hello: { namespace, queues, identity, buildId, runningTaskTokens, activityTypes: [...activityTypes], workflowTypes: [...workflowTypes], usedTypes: used, stateCacheBytes },
    });
  }

  /** The stream is gone. Attempts run on and results are kept; workflow tasks are void. */
  disconnect(): void {
    this.#phase = "disconnected";
    this.workflows.reset();
  }

  /** Takes in a message of the server. */
  receive(response: WorkResponse, nowMs: number): Received {
    this.#receivedMs = nowMs;
    this.#askedMs = undefined;
    const received: Received = {
      activityTasks: [],
      workflowTasks: [],
      cancels: [],
      answers: [],
      evictedRunIds: response.evictedRunIds,
      typing: response.typing,
      resendLater: [],
      dropped: [],
    };
    const { welcome } = response;
    if (this.#phase === "greeting" && welcome !== undefined) {
      this.#phase = "open";
      this.#streamId = welcome.streamId;
      const intervalMs = fromPbDuration(welcome.pingInterval);
      this.#pingIntervalMs = intervalMs > 0 ? intervalMs : PING_DEFAULT_MS;
      received.cancels.push(...this.activities.welcome(welcome.abortedTaskIndexes));
      for (const { token } of received.cancels) this.outputs.drop(token);
    }
    if (response.ping !== 0n) this.#pong = response.ping;
    if (response.activityTasks.length > 0) {
      for (const task of response.activityTasks) this.#acks.push(task.deliveryId);
      received.activityTasks = this.activities.takeTasks(response.activityTasks);
    }
    if (response.workflowTasks.length > 0) {
      for (const task of response.workflowTasks) this.#acks.push(task.deliveryId);
      received.workflowTasks = this.workflows.takeTasks(response.workflowTasks);
    }
    for (const id of response.acceptedResultIds) {
      if (this.activities.accepted(Number(id))) continue;
      const answer = this.workflows.accepted(Number(id));
      if (answer !== undefined) received.answers.push(answer);
    }
    for (const rejection of response.rejections) {
      const id = Number(rejection.resultId);
      const fate = this.activities.rejected(id, rejection);
      if (fate === "later") received.resendLater.push(id);
      else if (fate === "dropped") received.dropped.push({ reason: rejection.reason, message: rejection.message });
      else if (fate === undefined) {
        const answer = this.workflows.rejected(id, rejection);
        if (answer !== undefined) received.answers.push(answer);
      }
    }
    for (const cancel of response.cancels) {
      const key = tokenKey(cancel.taskToken);
      if (cancel.fenced) this.outputs.drop(key);
      received.cancels.push(...this.activities.cancel(key, cancel.fenced));
    }
    return received;
  }

  /** Lets time pass; false when the stream must be given up. */
  tick(nowMs: number): boolean {
    const silentMs = nowMs - this.#receivedMs;
    if (this.#phase === "greeting") return silentMs < GREETING_MS;
    // Silence only counts after a ping: a process that slept asks first.
    if (this.#askedMs !== undefined && nowMs - this.#askedMs >= (SILENT_INTERVALS_MAX - 1) * this.#pingIntervalMs) {
      return false;
    }
    // A ping also when we talk but hear nothing: that is how we find out.
    if (Math.max(silentMs, nowMs - this.#sentMs) >= this.#pingIntervalMs) {
      this.#isPingDue = true;
      if (silentMs >= this.#pingIntervalMs) this.#askedMs ??= nowMs;
    }
    return true;
  }

  /** The next message to send; `undefined` when there is nothing to say. */
  take(nowMs: number): WorkRequest | undefined {
    if (this.#phase !== "open") return undefined;
    const activityCount = this.activities.takeCredits(this.#isDraining);
    const workflowCount = this.workflows.takeCredits(this.#isDraining);
    const hasCredits = activityCount > 0 || workflowCount > 0;
    const isSilent =
      !hasCredits && this.#acks.length === 0 && this.#pong === 0n && !this.#isPingDue && !this.#isDrainUnsent &&
      !this.activities.hasOutput && !this.workflows.hasOutput && !this.outputs.hasOutput;
    if (isSilent) return undefined;
    const request = emptyRequest();
    const budget = new Budget();
    if (hasCredits) request.credits = { $typeName: "everturn.v1.CreditGrant", activityCount, workflowCount };
    request.ackedDeliveryIds = this.#acks;
    this.#acks = [];
    request.heartbeats = this.activities.takeHeartbeats(budget);
    request.outputs = this.outputs.take(budget);
    const beside = new Set<string>();
    for (const { taskToken } of request.heartbeats) beside.add(tokenKey(taskToken));
    for (const { taskToken } of request.outputs) beside.add(tokenKey(taskToken));
    request.activityResults = this.activities.takeResults(budget, (token) => beside.has(token) || this.outputs.isDue(token));
    request.workflowTaskResults = this.workflows.takeResults(budget);
    request.pong = this.#pong;
    this.#pong = 0n;
    if (this.#isPingDue) {
      this.#isPingDue = false;
      request.ping = this.#lastPing += 1n;
    }
    request.draining = this.#isDrainUnsent;
    this.#isDrainUnsent = false;
    this.#sentMs = nowMs;
    return request;
  }

  /** An attempt ended. */
  finishActivity(token: Uint8Array, outcome: ActivityOutcome, usage?: Usage): boolean {
    const isOpen = this.#phase === "open";
    this.outputs.finish(tokenKey(token), isOpen);
    return this.activities.finish(token, outcome, isOpen, usage);
  }

  /** Queues pieces of partial output; false if older ones had to be left out. */
  output(token: Uint8Array, pieces: readonly Uint8Array[]): boolean {
    return !this.activities.isRunning(token) || this.outputs.add(tokenKey(token), token, pieces);
  }

  /** A workflow task was done. */
  finishWorkflow(ref: WorkflowTaskRef, parts: readonly WorkflowTaskResult[], isClosing: boolean): void {
    this.workflows.finish(ref, parts, isClosing);
  }

  /** Queues a sign of life. */
  heartbeat(token: Uint8Array, details: Payload | undefined): void {
    this.activities.heartbeat(token, details);
  }

  /** Sends results again that were rejected for now. */
  resend(resultIds: readonly number[]): void {
    if (this.#phase === "open") this.activities.resend(resultIds);
  }

  /** Takes no new tasks from here on. */
  startDraining(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#isDrainUnsent = true;
  }
}

/** As `create` makes it, without its cost. */
function emptyRequest(): WorkRequest {
  return {
    $typeName: "everturn.v1.WorkRequest",
    ackedDeliveryIds: [],
    activityResults: [],
    workflowTaskResults: [],
    heartbeats: [],
    ping: 0n,
    pong: 0n,
    draining: false,
    outputs: [],
  };
}
