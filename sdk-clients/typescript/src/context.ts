/** What the durable code of a workflow sees: its context, and the steps that it asks for. */

import type { Activity, ActivityOptions } from "./activity.js";
import type { Duration } from "./duration.js";
import type { Logger } from "./logger.js";
import type { ApprovalRequest, ApprovalResult } from "./person.js";
import type { Signal, WorkflowType } from "./workflow-type.js";

/**
 * A step of a run that was asked for: a promise of its result. It may be awaited any number of
 * times, at once or later, or raced against others; the losers stay open.
 */
export interface Step<T> extends Promise<T> {
  /** Key of the step within its run. */
  readonly key: string;
  /**
   * Gives the step up: its promise rejects with `CanceledError`, the activity or child is asked to
   * stop, an ask or timer ends. No effect if it is over.
   */
  cancel(): void;
  /** Waits at most so long: gives the result, or `undefined` when the time passed; the step stays open. */
  within(duration: Duration): Promise<T | undefined>;
}

/** Options of every step. */
export interface StepOptions {
  /**
   * Name of the step within its run: unique, and the same in every replay. Default: the name of the
   * activity, workflow or step, with `#2`, `#3`, ... when it is used again. 1 to 256 bytes.
   */
  readonly key?: string;
}

/** Options of one use of an activity, over those of its definition. */
export type ActivityStepOptions = ActivityOptions & StepOptions;

/** Options of a child workflow. */
export interface ChildOptions extends StepOptions {
  /** Task queue of its workflow tasks. Default: the parent's. */
  readonly taskQueue?: string;
  /** Longest time it may take. Default: no bound. */
  readonly executionTimeout?: Duration;
}

/** Arguments for an input that may be left out if its type allows it. */
export type InputArguments<Input, Options> = undefined extends Input ? [input?: Input, options?: Options] : [input: Input, options?: Options];

/**
 * Entries that outlive the run or turn and can be read through the API at any time. A run reads what
 * it wrote itself, at once and in every replay. In a turn a fence may keep a write out of the
 * conversation's state (the turn was superseded, a person owns the conversation, it is paused): the
 * turn still reads its own write, everyone else and the next turn do not.
 */
export interface StateAccess {
  /** Reads an entry; `undefined` if there is none. Each call gives a new value. */
  get<T = unknown>(name: string): T | undefined;
  /**
   * Writes an entry. All entries together: at most 256 KiB.
   *
   * @throws PayloadError if the value cannot be written.
   */
  set(name: string, value: unknown): void;
  /** Removes an entry. */
  delete(name: string): void;
  /** Names of the entries, sorted. */
  names(): string[];
}

/** What a run knows about itself. */
export interface RunInfo {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  readonly taskQueue: string;
  /** Workflow id of the parent; empty if there is none. */
  readonly parentWorkflowId: string;
  readonly startTime: Date;
}

/** The context of a workflow's code. */
export interface WorkflowContext {
  /** What the run knows about itself. */
  readonly info: RunInfo;
  /** The run's state; in a turn, the conversation's. */
  readonly state: StateAccess;
  /** Log lines with the ids of the run; silent in replay. */
  readonly log: Logger;

  /** Runs an activity. Rejects with `ActivityError` when no attempt succeeded. */
  activity<Input, Output>(activity: Activity<Input, Output>, ...args: InputArguments<Input, ActivityStepOptions>): Step<Output>;
  /** Runs an activity by name. */
  activity<Output = unknown>(name: string, input?: unknown, options?: ActivityStepOptions): Step<Output>;

  /**
   * Runs a child workflow; its id is this run's id, "/" and the key, so the key holds no "/".
   * Rejects with `ChildError` when it does not complete.
   */
  child<Input, Output>(workflow: WorkflowType<Input, Output>, ...args: InputArguments<Input, ChildOptions>): Step<Output>;
  /** Runs a child workflow by type. */
  child<Output = unknown>(type: string, input?: unknown, options?: ChildOptions): Step<Output>;

  /** Waits, if need be for months: nothing has to keep running. At most 10 years. */
  sleep(duration: Duration, options?: StepOptions): Step<undefined>;

  /**
   * Runs a short function here and records its result, for what must not be repeated in replay but
   * needs no retries: reading a clock, a cache, an environment variable. It must end within a few
   * seconds and must not use the context. May run again if the worker dies before the result is
   * recorded. Rejects with `LocalError` if it throws.
   */
  run<T>(name: string, fn: () => T | Promise<T>, options?: StepOptions): Step<T>;

  /**
   * Asks a person for approval and waits for the decision, which is bound to `arguments`. That it
   * expires, or that it is rejected, is an outcome and no error.
   */
  requestApproval<Arguments>(request: ApprovalRequest<Arguments>): Step<ApprovalResult<Arguments>>;

  /** Sends a signal to another workflow; resolves when it is delivered, rejects with `SignalError`. */
  signal<Input>(workflowId: string, signal: Signal<Input>, ...args: InputArguments<Input, StepOptions>): Step<undefined>;
  /** Sends a signal by name. */
  signal(workflowId: string, name: string, input?: unknown, options?: StepOptions): Step<undefined>;
  /** Calls a function for each signal of a name, those that came before included. */
  onSignal<Input>(signal: Signal<Input>, handler: (input: Input) => unknown): void;
  /** Calls a function for each signal of a name. */
  onSignal(name: string, handler: (input: unknown) => unknown): void;
  /**
   * Waits for the next signal of a name that was not taken yet. The wait stays open when it loses a
   * race: cancel it then, or the next signal goes to it and to nobody else. Its `key` is the name.
   */
  waitSignal<Input>(signal: Signal<Input>): Step<Input>;
  /** Waits for the next signal of a name. */
  waitSignal(name: string): Step<unknown>;

  /**
   * Runs clean-up work that goes on although the run was canceled or the turn interrupted: steps
   * that it asks for are not rejected.
   */
  shield<T>(fn: () => T | Promise<T>): Promise<T>;
  /** True from when the run was asked to cancel or the turn was interrupted. */
  readonly isCanceled: boolean;

  /** Time of the last thing that happened to the run, in milliseconds since 1970: the same in replay. */
  now(): number;
  /** A number from 0 to below 1: the same in replay. */
  random(): number;
  /** A UUID (version 4): the same in replay. */
  uuid(): string;
}
