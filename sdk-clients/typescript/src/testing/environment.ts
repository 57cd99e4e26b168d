/** A coordinator in memory: runs workflows and turns with scripted activities, and skips time. */

import type { ActivityFunction, ImplementedActivity } from "../activity.js";
import type { Conversation } from "../conversation.js";
import { type Duration, fromPbDuration, milliseconds, toPbDuration } from "../duration.js";
import { type UnsuccessfulStatus, WorkflowError } from "../errors.js";
import { failureInfo, plainFailure, toFailure } from "../failure.js";
import { type HistoryEvent, RunStatus } from "../gen/everturn/v1/event_pb.js";
import { type Failure, FailureKind } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { type Logger, silentLogger } from "../logger.js";
import { decodeOptional, jsonConverter } from "../payload.js";
import { installDurableGlobals } from "../replay/durable-globals.js";
import { STATUS_NAMES } from "../replay/outcomes.js";
import type { Program } from "../replay/program.js";
import type { Workflow } from "../workflow.js";
import type { Signal } from "../workflow-type.js";
import { activityContext } from "./activity-context.js";
import { TestClock } from "./clock.js";
import { replayJournal } from "./replay-journal.js";
import { event, TestRun, type TestRunHost } from "./test-run.js";
import { decided, type Later, type PeopleScript, ScriptedWorld, type ScriptedEvent, type TestReply, type TurnScript } from "./turn-script.js";

/** What the world of a test holds. */
export interface TestEnvironmentOptions {
  /** Code of the activities: from `implementActivity`, or functions by name. One that throws fails its activity: retries are not simulated. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- functions of any input
  readonly activities?: readonly ImplementedActivity[] | Readonly<Record<string, ActivityFunction<any, unknown>>>;
  /** Workflows that may be run as children. */
  readonly workflows?: readonly Program[];
  /** When the test begins, in milliseconds since 1970. Default: the beginning of 2026. */
  readonly startMs?: number;
  /** Takes the log lines of the code. Default: none. */
  readonly logger?: Logger;
}

/** A run of a test. */
export interface TestHandle<Output> {
  readonly workflowId: string;
  /** The journal so far. */
  readonly events: readonly HistoryEvent[];
  /** What was said to the customer so far. */
  readonly replies: readonly TestReply[];
  /** Entries of the state. */
  state(): Record<string, unknown>;
  /** Sends a signal, now or after a while. */
  signal<Input>(signal: string | Signal<Input>, input: NoInfer<Input>, after?: Duration): void;
  /** Asks the run to cancel, now or after a while. */
  cancel(after?: Duration): void;
  /** Interrupts the turn, now or after a while. */
  interrupt(after?: Duration): void;
  /** Delivers messages into the running turn (policy `STEER`), now or after a while. */
  deliver(texts: readonly string[], after?: Duration): void;
  /** Delivers events into the running turn (policy `onEvent: "STEER"`), now or after a while. */
  deliverEvents(events: readonly ScriptedEvent[], after?: Duration): void;
  /**
   * Lets everything happen until the run is closed, then replays its journal to make sure that the
   * code takes the same path again.
   *
   * @throws WorkflowError if it did not complete; ReplayError if the code left the rules.
   */
  result(): Promise<Output>;
}

/** A coordinator in memory, with a clock that jumps to what is due next. */
export class TestEnvironment {
  readonly #functions: ReadonlyMap<string, ActivityFunction<never, unknown>>;
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #clock: TestClock;
  readonly #logger: Logger;
  readonly #runs = new Map<string, TestRun>();
  readonly #worlds = new Map<TestRun, ScriptedWorld>();
  readonly #timers = new Map<string, () => void>();
  #busy = 0;
  #wake: (() => void) | undefined;
  #failure: unknown;

  constructor(options: TestEnvironmentOptions = {}) {
    installDurableGlobals();
    const activities = options.activities ?? {};
    this.#functions = new Map(
      isList(activities) ? activities.map(({ name, run }) => [name, run]) : Object.entries(activities),
    );
    this.#programs = new Map((options.workflows ?? []).map((program) => [program.type, program]));
    this.#clock = new TestClock(options.startMs ?? Date.UTC(2026, 0, 1));
    this.#logger = options.logger ?? silentLogger;
  }

  /** The simulated time, in milliseconds since 1970. */
  now(): number {
    return this.#clock.nowMs;
  }

  /** For activities: takes simulated time, without waiting. */
  async sleep(duration: Duration): Promise<void> {
    this.#busy -= 1;
    await new Promise<void>((resolve) => {
      this.#clock.after(milliseconds(duration), () => {
        this.#busy += 1;
        resolve();
      });
      this.#wake?.();
    });
  }

  /** Starts a workflow; nothing happens before its result is waited for. */
  start<Input, Output>(workflow: Workflow<Input, Output>, input: NoInfer<Input>, workflowId = workflow.type, script: PeopleScript = {}): TestHandle<Output> {
    const run = this.#open(workflow, workflowId, undefined, script);
    run.append(event("runStarted", { workflowType: workflow.type, taskQueue: "default", input: jsonConverter.encode(input) }));
    return this.#handle(run);
  }

  /** Starts a turn of a conversation; nothing happens before its result is waited for. */
  startTurn(conversation: Conversation, script: TurnScript): TestHandle<unknown> {
    const run = this.#open(conversation, `conversation/turn-${String(script.number ?? 1)}`, undefined, script);
    const turn = this.#world(run).turnInput(conversation.type);
    for (const [name, value] of Object.entries(turn.state)) run.state.set(name, value);
    run.append(event("runStarted", { workflowType: conversation.type, taskQueue: "default", turn }));
    return this.#handle(run);
  }

  #open(program: Program, workflowId: string, parent: TestRun["parent"], script: TurnScript = {}): TestRun {
    if (this.#runs.has(workflowId)) throw new RangeError(`there is a run with the id "${workflowId}"`);
    const run = new TestRun(program, workflowId, `run-${String(this.#runs.size + 1)}`, this.#host, parent);
    this.#runs.set(workflowId, run);
    this.#worlds.set(run, new ScriptedWorld(script, () => this.#clock.nowMs));
    return run;
  }

  #world(run: TestRun): ScriptedWorld {
    const world = this.#worlds.get(run);
    if (world === undefined) throw new Error("every run has a world");
    return world;
  }

  /** Lets something happen to a run, after a while. */
  #later(run: TestRun, later: Later | undefined): void {
    if (later !== undefined) this.#clock.after(later.afterMs, () => { run.append(later.kind); });
  }

  #handle<Output>(run: TestRun): TestHandle<Output> {
    const later = (after: Duration | undefined, action: () => void): void => {
      if (after === undefined) action();
      else this.#clock.after(milliseconds(after), action);
    };
    return {
      workflowId: run.workflowId,
      events: run.events,
      replies: this.#world(run).replies,
      state: () => Object.fromEntries([...run.state].map(([name, value]) => [name, jsonConverter.decode(value)])),
      signal: (signal, input, after) => {
        const signalName = typeof signal === "string" ? signal : signal.name;
        later(after, () => { run.append(event("signalReceived", { signalName, input: jsonConverter.encode(input) })); });
      },
      cancel: (after) => { later(after, () => { run.append(event("cancelRequested", { reason: "" })); }); },
      interrupt: (after) => { later(after, () => { run.append(event("turnInterrupted", { grace: toPbDuration("10s") })); }); },
      deliver: (texts, after) => {
        later(after, () => { run.append(event("messagesArrived", { messages: texts.map((text) => this.#world(run).inbound(text)) })); });
      },
      deliverEvents: (events, after) => {
        later(after, () => { run.append(event("eventsArrived", { events: events.map((it) => this.#world(run).event(it)) })); });
      },
      result: () => this.#finish(run) as Promise<Output>,
    };
  }

  async #finish(run: TestRun): Promise<unknown> {
    while (run.closed === undefined) {
      const next = [...this.#runs.values()].find((it) => it.hasNews);
      if (next !== undefined) await next.advance();
      else if (this.#busy > 0) await new Promise<void>((resolve) => { this.#wake = resolve; });
      else if (!this.#clock.advance()) throw new Error(`run "${run.workflowId}" waits for: ${[...run.open.keys()].join(", ") || "a signal"}; nothing will happen`);
      if (this.#failure !== undefined) throw this.#failure as Error;
    }
    const { workflowId, runId } = run;
    const { newCommands } = await replayJournal(run.program, run.events, { workflowId, runId });
    if (newCommands.length > 0) {
      throw new Error(`the code took another path in replay: ${newCommands.map(({ key }) => key).join(", ")}`);
    }
    if (run.closed.status === RunStatus.COMPLETED) return decodeOptional(jsonConverter, run.closed.result);
    const { failure } = run.closed;
    throw new WorkflowError(workflowId, runId, statusOf(run), failure === undefined ? undefined : failureInfo(failure));
  }

  readonly #host: TestRunHost = {
    nowMs: () => this.#clock.nowMs,
    settings: {
      converter: jsonConverter,
      logger: { debug: (...line) => { this.#logger.debug(...line); }, info: (...line) => { this.#logger.info(...line); }, warn: (...line) => { this.#logger.warn(...line); }, error: (...line) => { this.#logger.error(...line); } },
      isStrict: true,
    },
    activity: (run, key, activityType, input) => {
      this.#busy += 1;
      void this.#activity(run, key, activityType, input);
    },
    child: (run, key, workflowType, input) => {
      const program = this.#programs.get(workflowType);
      if (program === undefined) {
        this.#failure = new Error(`child "${key}" has the workflow type "${workflowType}", which is not in \`workflows\``);
        return "";
      }
      const child = this.#open(program, `${run.workflowId}/${key}`, { run, key });
      child.append(event("runStarted", { workflowType, taskQueue: "default", parentWorkflowId: run.workflowId, ...(input === undefined ? {} : { input }) }));
      return child.runId;
    },
    timer: (run, key, delayMs) => {
      this.#timers.set(`${run.runId} ${key}`, this.#clock.after(delayMs, () => { run.append(event("timerFired", { key })); }));
    },
    ask: (run, key) => {
      const answer = this.#world(run).answer();
      if (answer === undefined) return;
      this.#clock.after(answer.afterMs, () => { run.append(event("askAnswered", { key, messages: [this.#world(run).inbound(answer.text)] })); });
    },
    message: (run, key, message) => {
      const { later, ...position } = this.#world(run).outbound(key, message, run.program.type);
      for (const step of later) this.#later(run, step);
      return position;
    },
    suppressReason: (run) => this.#world(run).suppressReason,
    approval: (run, key, request) => {
      this.#later(run, this.#world(run).decision(key, request));
      const { expiresAfter } = request;
      if (expiresAfter !== undefined) this.#later(run, { afterMs: fromPbDuration(expiresAfter), kind: decided(key, "expired") });
    },
    handOff: (run, key) => {
      this.#later(run, this.#world(run).handBack(key));
    },
    signal: (workflowId, signalName, input) => {
      const receiver = this.#runs.get(workflowId);
      if (receiver === undefined) return refused("RUN_NOT_FOUND");
      if (receiver.closed !== undefined) return refused("RUN_CLOSED");
      receiver.append(event("signalReceived", { signalName, ...(input === undefined ? {} : { input }) }));
      return undefined;
    },
    cancel: (run, key) => {
      this.#timers.get(`${run.runId} ${key}`)?.();
      if (run.open.get(key) === "child") this.#runs.get(`${run.workflowId}/${key}`)?.append(event("cancelRequested", { reason: "canceled by the parent" }));
    },
    closed: (run) => {
      const { closed, parent } = run;
      if (closed === undefined || parent === undefined) return;
      const { status, result, failure } = closed;
      parent.run.append(event("childClosed", { key: parent.key, status, ...(result === undefined ? {} : { result }), ...(failure === undefined ? {} : { failure }) }));
    },
  };

  async #activity(run: TestRun, key: string, activityType: string, input: Payload | undefined): Promise<void> {
    try {
      const code = this.#functions.get(activityType);
      if (code === undefined) throw new Error(`activity "${activityType}" is not in \`activities\``);
      const { context } = activityContext({ activityType, key, workflowId: run.workflowId });
      const value = await code(decodeOptional(jsonConverter, input) as never, context);
      run.append(event("activityCompleted", { key, attempt: 1, result: jsonConverter.encode(value) }));
    } catch (error) {
      run.append(event("activityFailed", { key, attempt: 1, failure: toFailure(error, jsonConverter) }));
    }
    this.#busy -= 1;
    this.#wake?.();
  }
}

function isList(activities: NonNullable<TestEnvironmentOptions["activities"]>): activities is readonly ImplementedActivity[] {
  return Array.isArray(activities);
}

function statusOf(run: TestRun): UnsuccessfulStatus {
  return STATUS_NAMES[run.closed?.status ?? RunStatus.FAILED] ?? "failed";
}

function refused(type: string): Failure {
  return plainFailure(FailureKind.APPLICATION, type, "the signal was not delivered");
}

