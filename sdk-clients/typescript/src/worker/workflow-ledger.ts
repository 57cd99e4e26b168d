/**
 * What a worker owes the coordinator about workflow tasks: tasks under way and completions that were
 * not answered. Pure. Belongs to one stream: when it ends, the coordinator offers its tasks again.
 */

import type { HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import type { ResultRejection, WorkflowTask, WorkflowTaskResult } from "../gen/everturn/v1/worker_service_pb.js";
import { type Budget, completionBytes } from "./batch.js";

/** Names a task and the stream that it came by. */
export interface WorkflowTaskRef {
  readonly runId: string;
  readonly taskToken: Uint8Array;
  readonly stream: number;
}

/** What the answer to a completion asks of the worker. */
export type WorkflowAnswer =
  | { readonly type: "accepted"; readonly ref: WorkflowTaskRef; readonly isClosing: boolean }
  | { readonly type: "unread"; readonly ref: WorkflowTaskRef; readonly events: readonly HistoryEvent[] }
  | { readonly type: "rejected"; readonly ref: WorkflowTaskRef; readonly reason: string; readonly message: string };

interface Unanswered {
  readonly ref: WorkflowTaskRef;
  readonly isClosing: boolean;
  /** More of the same task follows. */
  readonly isPartial: boolean;
}

/** The workflow tasks of one worker. */
export class WorkflowLedger {
  readonly #unsent: WorkflowTaskResult[] = [];
  readonly #unanswered = new Map<number, Unanswered>();
  #stream = 0;
  #running = 0;
  #outstanding = 0;

  constructor(
    private readonly slots: number,
    private readonly nextResultId: () => number,
  ) {}

  /** True when nothing is under way. */
  get isSettled(): boolean {
    return this.#running === 0 && this.#unanswered.size === 0;
  }

  /** Number of tasks under way. */
  get runningCount(): number {
    return this.#running;
  }

  /** True when there is something to send. */
  get hasOutput(): boolean {
    return this.#unsent.length > 0;
  }

  /** A stream begins or ended: what belonged to the last one is void. */
  reset(): void {
    this.#stream += 1;
    this.#unsent.length = 0;
    this.#unanswered.clear();
    this.#running = 0;
    this.#outstanding = 0;
  }

  /** Takes tasks in. */
  takeTasks(tasks: readonly WorkflowTask[]): { task: WorkflowTask; ref: WorkflowTaskRef }[] {
    this.#outstanding = Math.max(0, this.#outstanding - tasks.length);
    this.#running += tasks.length;
    return tasks.map((task) => ({ task, ref: { runId: task.runId, taskToken: task.taskToken, stream: this.#stream } }));
  }

  /** Whether the stream of a task is still there. */
  isCurrent(ref: WorkflowTaskRef): boolean {
    return ref.stream === this.#stream;
  }

  /** A task was done, in one part or several; dropped if its stream is gone. */
  finish(ref: WorkflowTaskRef, parts: readonly WorkflowTaskResult[], isClosing: boolean): void {
    if (!this.isCurrent(ref)) return;
    this.#running -= 1;
    for (const part of parts) {
      const id = this.nextResultId();
      part.resultId = BigInt(id);
      part.taskToken = ref.taskToken;
      this.#unanswered.set(id, { ref, isClosing, isPartial: part.isPartial });
      this.#unsent.push(part);
    }
  }

  /** A completion is durable. */
  accepted(resultId: number): WorkflowAnswer | undefined {
    const found = this.#unanswered.get(resultId);
    if (found === undefined) return undefined;
    this.#unanswered.delete(resultId);
    const { ref, isClosing } = found;
    return found.isPartial ? undefined : { type: "accepted", ref, isClosing };
  }

  /** A completion was not taken. With unread events the task is under way again. */
  rejected(resultId: number, rejection: ResultRejection): WorkflowAnswer | undefined {
    const found = this.#unanswered.get(resultId);
    if (found === undefined) return undefined;
    this.#unanswered.delete(resultId);
    const { ref } = found;
    const { reason, message } = rejection;
    // The parts after it are refused as well: one answer is enough.
    if (found.isPartial) return undefined;
    if (reason === "UNREAD_EVENTS") {
      this.#running += 1;
      return { type: "unread", ref, events: rejection.unreadEvents };
    }
    if (reason === "COMMAND_INVALID" || reason === "LIMIT_EXCEEDED" || reason === "FIELD_INVALID") this.#running += 1;
    return { type: "rejected", ref, reason, message };
  }

  /** Completions that go out now. */
  takeResults(budget: Budget): WorkflowTaskResult[] {
    const end = this.#unsent.findIndex((result) => !budget.take(completionBytes(result)));
    return this.#unsent.splice(0, end < 0 ? this.#unsent.length : end);
  }

  /** Credits to grant now. */
  takeCredits(isDraining: boolean): number {
    if (isDraining) return 0;
    const credits = Math.max(0, this.slots - this.#running - this.#unsent.length - this.#outstanding);
    this.#outstanding += credits;
    return credits;
  }
}
