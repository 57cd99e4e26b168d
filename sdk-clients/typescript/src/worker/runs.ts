/** The workflow tasks of a worker: finds or rebuilds the run, lets its code go on, reports what it wants. */

import { create } from "@bufbuild/protobuf";
import { ReplayError } from "../errors.js";
import { plainFailure, toFailure } from "../failure.js";
import type { HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import { type Failure, FailureKind } from "../gen/everturn/v1/failure_pb.js";
import { type WorkflowTask, type WorkflowTaskResult, WorkflowTaskResultSchema } from "../gen/everturn/v1/worker_service_pb.js";
import type { Program, Progress, RunSettings } from "../replay/program.js";
import { Run } from "../replay/run.js";
import { partsOf } from "./batch.js";
import type { HistoryRange } from "./transport.js";
import { StateValues } from "./state-values.js";
import type { WorkflowAnswer, WorkflowTaskRef } from "./workflow-ledger.js";

/** Where runs report to, and where they read on. */
export interface RunReports {
  /** A task was done. */
  finish(ref: WorkflowTaskRef, parts: readonly WorkflowTaskResult[], isClosing: boolean): void;
  /** Whether the stream of a task is still there. */
  isCurrent(ref: WorkflowTaskRef): boolean;
  /** Reads the rest of a long journal. */
  history(range: HistoryRange): Promise<HistoryEvent[]>;
}

/** What the runs of a worker share. */
export interface RunsOptions extends RunSettings {
  readonly namespace: string;
  /** Most runs that are kept between their tasks. */
  readonly cachedRunsMax: number;
  /** Most bytes of values of states that are kept between turns. */
  readonly stateCacheBytes: number;
}

/** The session puts the token in. */
const NO_TOKEN = new Uint8Array(0);

/** The runs of one worker. */
export class Runs {
  /** Runs between their tasks, the longest unused first. */
  readonly #cached = new Map<string, Run>();
  /** Runs that want to close and have not been answered. */
  readonly #closing = new Map<string, Run>();
  readonly #values: StateValues;

  constructor(
    private readonly programs: ReadonlyMap<string, Program>,
    private readonly options: RunsOptions,
    private readonly reports: RunReports,
  ) {
    this.#values = new StateValues(options.stateCacheBytes);
  }

  /** Number of runs that are kept between their tasks. */
  get cachedCount(): number {
    return this.#cached.size;
  }

  /** Does a task. */
  start(task: WorkflowTask, ref: WorkflowTaskRef): void {
    void this.#report(ref, () => this.#advance(task));
  }

  /** What became of a completion. */
  answered(answer: WorkflowAnswer): void {
    const { ref } = answer;
    if (answer.type === "accepted") {
      if (answer.isClosing) this.#closing.delete(ref.runId);
      return;
    }
    const run = this.#closing.get(ref.runId);
    this.#closing.delete(ref.runId);
    if (answer.type === "unread") {
      void this.#report(ref, async () => {
        if (run === undefined) return needsJournal();
        return { run, progress: await run.reopen(await this.#eventsOf(run, answer.events, BigInt(run.seenEventId), 0n)) };
      });
      return;
    }
    this.#cached.delete(ref.runId);
    const { reason, message } = answer;
    if (reason === "FENCED") {
      this.options.logger.debug("workflow task was over", { runId: ref.runId });
      return;
    }
    this.options.logger.warn("workflow task was not taken", { runId: ref.runId, reason, detail: message });
    if (reason === "COMMAND_INVALID" || reason === "LIMIT_EXCEEDED" || reason === "FIELD_INVALID") {
      // The same commands would be refused again: say so, and try again later.
      const failure = plainFailure(FailureKind.APPLICATION, reason, `the coordinator refused the commands: ${message}`);
      this.reports.finish(ref, [create(WorkflowTaskResultSchema, { failure })], false);
    }
  }

  /** The coordinator says that runs need not be kept. */
  evict(runIds: readonly string[]): void {
    for (const runId of runIds) this.#cached.delete(runId);
  }

  /** The stream is gone: no run that is kept here will be asked for again. */
  clear(): void {
    this.#cached.clear();
    this.#closing.clear();
  }

  async #advance(task: WorkflowTask): Promise<{ run: Run; progress: Progress } | WorkflowTaskResult> {
    const cached = this.#cached.get(task.runId);
    this.#cached.delete(task.runId);
    const previousEventId = Number(task.previousEventId);
    let run: Run;
    if (previousEventId > 0) {
      if (cached === undefined || cached.seenEventId < previousEventId) return needsJournal();
      run = cached;
    } else {
      const first = task.events[0]?.kind;
      if (first?.case === "runStarted" && first.value.turn !== undefined && !this.#values.complete(first.value.turn)) return needsJournal();
      const program = this.programs.get(task.workflowType);
      if (program === undefined) {
        const names = [...this.programs.keys()].sort().join(", ");
        const message = `workflow type "${task.workflowType}" is not registered; this worker has: ${names}`;
        throw new ReplayError("WorkflowNotRegistered", message);
      }
      run = new Run(program, { workflowId: task.workflowId, runId: task.runId }, this.options);
    }
    const events = await this.#eventsOf(run, task.events, task.previousEventId, task.lastEventId);
    return { run, progress: await run.advance(events, Number(task.lastEventId)) };
  }

  /**
   * All events of a task. The rest of a long one is read; and when the code waits for the record of a
   * message, which tasks leave out, the journal is read from there. Records of the run's own commands
   * that come along are ignored.
   */
  async #eventsOf(run: Run, given: readonly HistoryEvent[], previousEventId: bigint, lastEventId: bigint): Promise<readonly HistoryEvent[]> {
    const givenThrough = given.at(-1)?.id ?? previousEventId;
    const throughEventId = lastEventId > givenThrough ? lastEventId : givenThrough;
    const { recordsAfter } = run.outbox;
    const isKnown = recordsAfter === undefined || previousEventId === 0n;
    if (isKnown && throughEventId === givenThrough) return given;
    const { workflowId, runId } = run.identity;
    const afterEventId = isKnown ? givenThrough : BigInt(recordsAfter);
    const read = await this.reports.history({ namespace: this.options.namespace, workflowId, runId, afterEventId, throughEventId });
    return isKnown ? [...given, ...read] : read;
  }

  async #report(ref: WorkflowTaskRef, work: () => Promise<{ run: Run; progress: Progress } | WorkflowTaskResult>): Promise<void> {
    let parts: WorkflowTaskResult[];
    let isClosing = false;
    try {
      const outcome = await work();
      if (!this.reports.isCurrent(ref)) return;
      if ("progress" in outcome) {
        ({ isClosing } = outcome.progress);
        parts = this.#completion(outcome.run, outcome.progress, ref.runId);
      } else {
        parts = [outcome];
      }
    } catch (error) {
      const failure = this.#failureOf(error);
      this.options.logger.error("workflow task failed", { runId: ref.runId, type: failure.type, reason: failure.message });
      parts = [create(WorkflowTaskResultSchema, { failure })];
      isClosing = false;
    }
    this.reports.finish(ref, parts, isClosing);
  }

  /** What the code wants, in as many parts as it takes. */
  #completion(run: Run, progress: Progress, runId: string): WorkflowTaskResult[] {
    const { seenEventId, isClosing } = progress;
    const runCached = !isClosing && this.options.cachedRunsMax > 0;
    const all = partsOf(progress.commands);
    const parts = all.map((commands, index): WorkflowTaskResult => ({
      $typeName: "everturn.v1.WorkflowTaskResult",
      resultId: 0n,
      taskToken: NO_TOKEN,
      seenEventId: BigInt(seenEventId),
      commands,
      needsFullJournal: false,
      runCached,
      isPartial: index < all.length - 1,
    }));
    if (isClosing) {
      this.#closing.set(runId, run);
    } else if (runCached) {
      this.#cached.set(runId, run);
      if (this.#cached.size > this.options.cachedRunsMax) {
        const [oldest] = this.#cached.keys();
        if (oldest !== undefined) this.#cached.delete(oldest);
      }
    }
    return parts;
  }

  #failureOf(error: unknown): Failure {
    const failure = toFailure(error, this.options.converter);
    if (error instanceof ReplayError) failure.type = error.type;
    return failure;
  }
}

function needsJournal(): WorkflowTaskResult {
  return create(WorkflowTaskResultSchema, { needsFullJournal: true });
}
