/**
 * One run: its code, and the journal that drives it. Pure: no I/O and no clock.
 *
 * The journal's notifications are delivered one at a time, in order, and after each the code runs
 * until it can go no further. What it asks for on the way is matched by key with what the journal
 * already knows; the rest become commands. So the code takes the same path in every replay,
 * however the events were cut into tasks.
 */

import { CanceledError, ReplayError, TurnInterruptedError } from "../errors.js";
import { toFailure } from "../failure.js";
import { fromPbDuration, fromPbTime } from "../duration.js";
import type { Command } from "../gen/everturn/v1/command_pb.js";
import type { HistoryEvent, RunStarted } from "../gen/everturn/v1/event_pb.js";
import type { Failure } from "../gen/everturn/v1/failure_pb.js";
import type { Logger } from "../logger.js";
import { fromPbMessage, type Message } from "../message.js";
import { decodeOptional, type PayloadConverter } from "../payload.js";
import type { Conversation, Workflow } from "../workflow.js";
import { cancelCommand, cancelRun, completeRun, failRun } from "./commands.js";
import type { StepKind } from "./journal.js";
import { Locals } from "./locals.js";
import { Mailbox } from "./mailbox.js";
import { quiescence } from "./quiescence.js";
import { SeededRandom } from "./random.js";
import { RunContext } from "./run-context.js";
import { TurnView } from "./turn-view.js";
import { outcomeOf } from "./outcomes.js";
import { Steps } from "./steps.js";
import { type Wait, Waits } from "./waits.js";

/** Code that a run can have. The types of input and output are checked where it is defined. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any workflow will do here
export type Program = Workflow<any, any> | Conversation;

/** Which run it is. */
export interface RunIdentity {
  readonly workflowId: string;
  readonly runId: string;
}

/** What all runs of a worker share. */
export interface RunSettings {
  readonly converter: PayloadConverter;
  readonly logger: Logger;
  /** True: steps that the journal has and the code no longer takes are an error. */
  readonly isStrict: boolean;
}

/** What the code wants after it was given events. */
export interface Progress {
  /** In order; the one that closes the run, if any, is last. */
  readonly commands: Command[];
  /** Id of the last event that the code was given. */
  readonly seenEventId: number;
  /** Whether the run is to close. */
  readonly isClosing: boolean;
}

/** One run of a workflow, or one turn of a conversation. */
export class Run {
  readonly waits = new Waits();
  readonly arrivals = new Mailbox<readonly Message[]>();
  readonly random: SeededRandom;
  /** Time of the last notification, in milliseconds since 1970. */
  timeMs = 0;
  /** Number of functions that are called for signals or messages. */
  handlerCount = 0;

  readonly #steps: Steps;
  readonly #signals = new Map<string, Mailbox<unknown>>();
  readonly #locals: Locals;
  #commands: Command[] = [];
  #closing: Command | undefined;
  #fault: ReplayError | undefined;
  #isActive = false;
  #isStarted = false;
  #seenEventId = 0;
  #notificationId = 0;

  constructor(
    readonly program: Program,
    readonly identity: RunIdentity,
    readonly settings: RunSettings,
  ) {
    this.random = new SeededRandom(identity.runId);
    this.#steps = new Steps(settings.converter);
    this.#locals = new Locals(settings.converter);
  }

  /** Id of the last event that the code was given. */
  get seenEventId(): number {
    return this.#seenEventId;
  }

  /** True while the code goes where it has been before. */
  get isReplaying(): boolean {
    return this.#notificationId < this.#steps.lastRecordedId;
  }

  /**
   * Gives the code the events of a task: the whole journal at first, what is new later. Commands of
   * earlier calls are taken as recorded.
   *
   * @param throughEventId Id of the last event of the journal, if it is beyond the last of `events`.
   * @throws ReplayError if the code does not fit the journal; the run can then not go on.
   */
  async advance(events: readonly HistoryEvent[], throughEventId = 0): Promise<Progress> {
    this.#commands = [];
    if (!this.#isStarted) this.#steps.replay(events);
    return this.#give(events, throughEventId);
  }

  /** Gives the code events that it had not read when it wanted to close; the commands so far still count. */
  async reopen(events: readonly HistoryEvent[]): Promise<Progress> {
    return this.#give(events, 0);
  }

  // -- for the context ------------------------------------------------------------

  /**
   * Takes a key for a step and looks it up in the journal.
   *
   * @returns The key, and whether the step is recorded.
   */
  claim(kind: StepKind, subject: string, name: string, chosen: string | undefined): { key: string; isRecorded: boolean } {
    this.checkActive();
    try {
      return this.#steps.claim(kind, subject, name, chosen);
    } catch (error) {
      // User code may catch it: the task fails all the same.
      throw error instanceof ReplayError ? this.#fail(error) : error;
    }
  }

  /** Asks the coordinator for something. */
  push(command: Command): void {
    this.#commands.push(command);
  }

  /** Opens a step whose outcome will be a notification or a local result. */
  open(key: string, kind: StepKind, subject: string): Wait<unknown> {
    const wait = this.waits.open<unknown>();
    this.#steps.open(key, kind, subject, wait);
    wait.onCancel = (): void => {
      const isKnown = kind === "activity" || kind === "timer" || kind === "child" || kind === "ask";
      if (isKnown && !this.#steps.takeCancel(key)) this.push(cancelCommand(key));
    };
    return wait;
  }

  /** Runs a local step now. */
  startLocal(key: string, fn: () => unknown): void {
    this.#locals.start(key, fn);
  }

  /** The signals of a name. */
  signals(name: string): Mailbox<unknown> {
    let mailbox = this.#signals.get(name);
    if (mailbox === undefined) {
      mailbox = new Mailbox();
      this.#signals.set(name, mailbox);
    }
    return mailbox;
  }

  /** Calls a function of the user; if it fails, so does the run. */
  call(handler: () => unknown): void {
    void (async (): Promise<void> => {
      try {
        await handler();
      } catch (error) {
        this.#threw(error);
      }
    })();
  }

  /** @throws ReplayError if the code runs although nothing was delivered to it. */
  checkActive(): void {
    if (!this.#isActive) {
      throw this.#fail(
        new ReplayError(
          "OutsideOfTask",
          "the context was used outside of the run's own steps: the code awaited something that is not durable " +
            "(a timer, I/O), or a local step used the context; use activities, ctx.run and ctx.sleep",
        ),
      );
    }
  }

  // -- delivery -----------------------------------------------------------------------

  async #give(events: readonly HistoryEvent[], throughEventId: number): Promise<Progress> {
    this.#check();
    for (const event of events) {
      const id = Number(event.id);
      if (id <= this.#seenEventId) continue;
      this.#seenEventId = id;
      if (await this.#deliver(event)) await this.#settle();
    }
    this.#seenEventId = Math.max(this.#seenEventId, throughEventId);
    this.#finishReplay();
    return this.#progress();
  }

  /** Hands a notification to the code; false if the event is not one. */
  async #deliver(event: HistoryEvent): Promise<boolean> {
    const { kind } = event;
    const outcome = outcomeOf(event);
    if (outcome === undefined) {
      switch (kind.case) {
        case "runStarted":
        case "signalReceived":
        case "cancelRequested":
        case "turnInterrupted":
        case "messagesArrived":
          break;
        default:
          return false;
      }
    }
    this.timeMs = Math.max(this.timeMs, fromPbTime(event.time));
    this.#notificationId = Number(event.id);
    this.#isActive = true;
    try {
      if (outcome !== undefined) {
        this.#steps.end(outcome);
      } else if (kind.case === "runStarted") {
        this.#start(kind.value);
      } else if (kind.case === "signalReceived") {
        const { signalName, input } = kind.value;
        this.signals(signalName).deliver(decodeOptional(this.settings.converter, input));
      } else if (kind.case === "cancelRequested") {
        this.waits.cancel(new CanceledError(kind.value.reason === "" ? "the run was asked to cancel" : kind.value.reason));
      } else if (kind.case === "turnInterrupted") {
        this.waits.cancel(new TurnInterruptedError(fromPbDuration(kind.value.grace)));
      } else if (kind.case === "messagesArrived") {
        this.arrivals.deliver(kind.value.messages.map((message) => fromPbMessage(message, this.settings.converter)));
      }
    } catch (error) {
      // What arrived cannot be read: the run learns of it as of an error of its own.
      this.#threw(error);
    }
    await quiescence();
    return true;
  }

  /** Delivers what follows from the last notification alone: local results, outcomes that came early. */
  async #settle(): Promise<void> {
    for (;;) {
      this.#check();
      const recorded = this.#steps.takeRecorded(this.#notificationId);
      if (recorded !== undefined) {
        this.#steps.end(recorded);
      } else if (this.#locals.count > 0) {
        this.#isActive = false;
        const { command, outcome } = await this.#locals.next(this.#notificationId);
        this.#isActive = true;
        this.push(command);
        this.#steps.end(outcome);
      } else {
        break;
      }
      await quiescence();
    }
    this.#isActive = false;
  }

  #start(started: RunStarted): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { program } = this;
    const { converter } = this.settings;
    const context = new RunContext(this, started);
    let main: () => unknown;
    if (program.kind === "workflow") {
      if (started.turn !== undefined) throw this.#fail(new ReplayError("TypeMismatch", `"${program.type}" is a workflow and cannot answer turns`));
      main = () => program.run(context, decodeOptional(converter, started.input));
    } else {
      const { turn } = started;
      if (turn === undefined) throw this.#fail(new ReplayError("TypeMismatch", `"${program.type}" is a conversation and runs only in turns`));
      main = () => program.onTurn(context, new TurnView(turn, this));
    }
    void (async (): Promise<void> => {
      try {
        const value = await main();
        this.#closing ??= completeRun(program.kind === "workflow" ? converter.encode(value) : undefined);
      } catch (error) {
        this.#threw(error);
      }
    })();
  }

  #threw(error: unknown): void {
    if (error instanceof ReplayError) {
      this.#fault ??= error;
      return;
    }
    let failure: Failure;
    try {
      failure = toFailure(error, this.settings.converter);
    } catch (unwritable) {
      failure = toFailure(unwritable, this.settings.converter);
    }
    const isStopping = this.waits.error !== undefined && error instanceof CanceledError;
    this.#closing ??= isStopping ? cancelRun(failure) : failRun(failure);
  }

  // -- the end of a task -----------------------------------------------------------------

  #progress(): Progress {
    if (this.#closing === undefined) {
      if (this.waits.count === 0 && this.handlerCount === 0) {
        throw this.#fail(
          new ReplayError("Stuck", "the code waits for something that is not durable (a timer, I/O, a promise of its own): it would never go on"),
        );
      }
      return { commands: this.#commands, seenEventId: this.#seenEventId, isClosing: false };
    }
    const commands = [...this.#commands];
    // The messages of an answer that nobody will read go back to the mailbox.
    for (const key of this.#steps.openAsks) commands.push(cancelCommand(key));
    commands.push(this.#closing);
    return { commands, seenEventId: this.#seenEventId, isClosing: true };
  }

  #finishReplay(): void {
    const drift = this.#steps.finishReplay();
    if (drift === "") return;
    if (this.settings.isStrict) {
      throw this.#fail(new ReplayError("Drift", `the journal has steps that the code no longer takes: ${drift}`));
    }
    this.settings.logger.warn("code drifted from the journal", { ...this.identity, workflowType: this.program.type, steps: drift });
  }

  #check(): void {
    if (this.#fault === undefined) return;
    this.#isActive = false;
    throw this.#fault;
  }

  /** Remembers an error that user code may try to catch: the task fails all the same. */
  #fail(error: ReplayError): ReplayError {
    this.#fault ??= error;
    return error;
  }
}
