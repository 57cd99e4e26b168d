/**
 * One run: its code, and the journal that drives it. Pure: no I/O and no clock.
 *
 * The journal's notifications are delivered one at a time, in order, and after each the code runs
 * until it can go no further. What it asks for on the way is matched by key with what the journal
 * already knows; the rest become commands. So the code takes the same path in every replay,
 * however the events were cut into tasks.
 */

import { CanceledError, CommandError, ReplayError, TurnInterruptedError } from "../errors.js";
import { toFailure } from "../failure.js";
import { fromPbDuration, fromPbTime } from "../duration.js";
import type { Command } from "../gen/everturn/v1/command_pb.js";
import type { CommandFailed, HistoryEvent, RunStarted } from "../gen/everturn/v1/event_pb.js";
import { fromPbMessage, type Message } from "../message.js";
import { setImmediate } from "../natives.js";
import { decodeOptional, encodeBounded } from "../payload.js";
import type { Conversation } from "../conversation.js";
import { fromPbEvent } from "../event.js";
import { answerTurn } from "./answer-turn.js";
import { cancelCommand, cancelRun, completeRun, failRun, recordProblem } from "./commands.js";
import { EventInbox } from "./event-inbox.js";
import { HandBackPages } from "./hand-back-pages.js";
import type { StepKind } from "./journal.js";
import { Locals } from "./locals.js";
import { Mailbox } from "./mailbox.js";
import { Problems } from "./problems.js";
import type { Program, Progress, RunIdentity, RunSettings } from "./program.js";
import { SeededRandom } from "./random.js";
import { Outbox } from "./outbox.js";
import { RunContext } from "./run-context.js";
import type { RunHost } from "./run-host.js";
import { TurnView } from "./turn-view.js";
import { commandError, outcomeOf } from "./outcomes.js";
import { Steps } from "./steps.js";
import { type Wait, Waits } from "./waits.js";
import { currentExecution, type Execution, runWindow } from "./window.js";

/** One run of a workflow, or one turn of a conversation. */
export class Run implements Execution, RunHost {
  readonly waits = new Waits(true);
  readonly arrivals = new Mailbox<readonly Message[]>();
  readonly outbox = new Outbox();
  readonly random: SeededRandom;
  /** Time of the last notification, in milliseconds since 1970. */
  timeMs = 0;
  /** Number of functions that are called for signals, messages or events. */
  handlerCount = 0;

  readonly steps: Steps;
  readonly #handBacks = new HandBackPages();
  readonly #signals = new Map<string, Mailbox<unknown>>();
  readonly #locals: Locals;
  readonly #problems = new Problems();
  #startMs = 0;
  #commands: Command[] = [];
  #closing: Command | undefined;
  /** Number of functions of the user that were called for something and have not ended. */
  #calls = 0;
  #inbox: EventInbox | undefined;
  #fault: ReplayError | undefined;
  #isStarted = false;
  #seenEventId = 0;
  #notificationId = 0;

  constructor(
    readonly program: Program,
    readonly identity: RunIdentity,
    readonly settings: RunSettings,
  ) {
    this.random = new SeededRandom(identity.runId);
    this.steps = new Steps(settings.converter);
    this.#locals = new Locals(settings.converter);
  }

  /** Milliseconds since the run began. */
  get ageMs(): number {
    return this.timeMs - this.#startMs;
  }

  /** A promise of the code was rejected and has no handler. */
  rejected(reason: unknown): void {
    this.#problems.rejected(reason);
  }

  /** Id of the last event that the code was given. */
  get seenEventId(): number {
    return this.#seenEventId;
  }

  /** True while the code goes where it has been before. */
  get isReplaying(): boolean {
    return this.#notificationId < this.steps.lastRecordedId;
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
    if (!this.#isStarted) this.steps.replay(events);
    return this.#give(events, throughEventId);
  }

  /** Gives the code events that it had not read when it wanted to close; the commands so far still count. */
  async reopen(events: readonly HistoryEvent[]): Promise<Progress> {
    return this.#give(events, 0);
  }

  /**
   * Takes a key for a step and looks it up in the journal.
   *
   * @returns The key, and whether the step is recorded.
   */
  claim(kind: StepKind, subject: string, name: string, chosen: string | undefined): { key: string; isRecorded: boolean } {
    this.checkActive();
    try {
      return this.steps.claim(kind, subject, name, chosen);
    } catch (error) {
      // User code may catch it: the task fails all the same.
      throw error instanceof ReplayError ? this.fail(error) : error;
    }
  }

  /** Asks the coordinator for something. */
  push(command: Command): void {
    this.#commands.push(command);
  }

  /** Opens a step whose outcome will be a notification or a local result; its command goes out when it is its turn. */
  open(key: string, kind: StepKind, subject: string, site: Error, command: Command | undefined): Wait<unknown> {
    const wait = this.waits.open<unknown>();
    this.steps.open(key, kind, subject, wait, site, command, (next) => { this.push(next); });
    wait.onCancel = (): void => {
      const isKnown = kind === "activity" || kind === "timer" || kind === "child" || kind === "ask" || kind === "approval";
      if (isKnown && !this.steps.isHeld(key, kind) && !this.steps.takeCancel(key)) this.push(cancelCommand(key));
    };
    wait.onReject = (error): void => {
      this.#problems.fails(key, site, error);
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

  /** Calls a function of the user; if it fails, so does the run, which does not complete before it ended. */
  call(handler: () => unknown): void {
    this.#calls += 1;
    void (async (): Promise<void> => {
      try {
        await handler();
      } catch (error) {
        this.#threw(error);
      }
      this.#calls -= 1;
    })();
  }

  /** Remembers an error that user code may try to catch: the task fails all the same. */
  fail(error: ReplayError): ReplayError {
    this.#fault ??= error;
    return error;
  }

  /**
   * @throws CommandError if a local step uses the context; ReplayError if the code runs although
   *   nothing was delivered to it.
   */
  checkActive(): void {
    if (currentExecution() === this) return;
    if (this.#locals.count > 0) {
      throw new CommandError("COMMAND_INVALID", "a local step (ctx.run) does not use the context: do it before or after", "context");
    }
    throw this.fail(
      new ReplayError(
        "OutsideOfTask",
        "the context was used outside of the run's own steps: the code awaited something that is not durable " +
          "(a timer, I/O); use activities, ctx.run and ctx.sleep",
      ),
    );
  }

  async #give(events: readonly HistoryEvent[], throughEventId: number): Promise<Progress> {
    this.#check();
    for (const event of events) {
      const id = Number(event.id);
      this.outbox.read(event);
      if (id <= this.#seenEventId) continue;
      this.#seenEventId = id;
      if (await this.#deliver(event)) await this.#settle();
    }
    this.#seenEventId = Math.max(this.#seenEventId, throughEventId);
    this.#finishReplay();
    // Rejections that nobody handled are known when the event loop has turned.
    if (this.#isToClose) await new Promise<void>((resolve) => setImmediate(resolve));
    return this.#progress();
  }

  /** Hands a notification to the code; false if the event is not one. */
  async #deliver(event: HistoryEvent): Promise<boolean> {
    const { kind } = event;
    const outcome = this.#handBacks.take(event) ? undefined : outcomeOf(event);
    if (outcome === undefined) {
      switch (kind.case) {
        case "runStarted":
        case "signalReceived":
        case "cancelRequested":
        case "turnInterrupted":
        case "messagesArrived":
        case "eventsArrived":
        case "deliveryChanged":
        case "handedBack":
          break;
        default:
          return false;
      }
    }
    [this.timeMs, this.#notificationId] = [Math.max(this.timeMs, fromPbTime(event.time)), Number(event.id)];
    await runWindow(this, () => {
      try {
        if (outcome === undefined) this.#tell(kind);
        else if (!this.steps.end(outcome) && kind.case === "commandFailed") this.#refused(kind.value);
      } catch (error) {
        // What arrived cannot be read: the run learns of it as of an error of its own.
        this.#threw(error);
      }
    });
    return true;
  }

  /** Hands over what is not the end of a step. */
  #tell(kind: HistoryEvent["kind"]): void {
    const { converter } = this.settings;
    switch (kind.case) {
      case "runStarted":
        this.#start(kind.value);
        break;
      case "signalReceived":
        this.signals(kind.value.signalName).deliver(decodeOptional(converter, kind.value.input));
        break;
      case "cancelRequested":
        this.waits.cancel(new CanceledError(kind.value.reason === "" ? "the run was asked to cancel" : kind.value.reason));
        break;
      case "turnInterrupted":
        this.waits.cancel(new TurnInterruptedError(fromPbDuration(kind.value.grace)));
        break;
      case "messagesArrived":
        this.arrivals.deliver(kind.value.messages.map((message) => fromPbMessage(message, converter)));
        break;
      case "eventsArrived":
        for (const event of kind.value.events) this.#inbox?.deliver(fromPbEvent(event, converter));
        break;
      case "deliveryChanged":
        this.outbox.changed(kind.value);
        break;
      default:
    }
  }

  /** Delivers what follows from the last notification alone: local results, outcomes that came early. */
  async #settle(): Promise<void> {
    for (;;) {
      this.#check();
      const recorded = this.steps.takeRecorded(this.#notificationId);
      if (recorded !== undefined) {
        await runWindow(this, () => this.steps.end(recorded));
      } else if (this.#locals.count > 0) {
        const { command, outcome } = await this.#locals.next(this.#notificationId);
        this.push(command);
        await runWindow(this, () => this.steps.end(outcome));
      } else {
        return;
      }
    }
  }

  /** A command failed for which the code does not wait: it fails with it, unless it waits for its record. */
  #refused({ key, failure }: CommandFailed): void {
    if (failure === undefined) return;
    const error = commandError(failure);
    if (!this.outbox.refused(key, error)) this.#threw(error);
  }

  #start(started: RunStarted): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#startMs = this.timeMs;
    const { program } = this;
    const { converter } = this.settings;
    const context = new RunContext(this, started);
    const main = program.kind === "workflow" ? this.#workflow(program, context, started) : this.#turn(program, context, started);
    void (async (): Promise<void> => {
      try {
        const value = await main();
        this.#closing ??= completeRun(program.kind === "workflow" ? encodeBounded(converter, value, "result") : undefined);
      } catch (error) {
        this.#threw(error);
      }
    })();
  }

  #workflow(program: Program & { kind: "workflow" }, context: RunContext, { turn, input }: RunStarted): () => unknown {
    if (turn !== undefined) throw this.fail(new ReplayError("TypeMismatch", `"${program.type}" is a workflow and cannot answer turns`));
    return () => program.run(context, decodeOptional(this.settings.converter, input)) as unknown;
  }

  #turn(program: Conversation, context: RunContext, { turn }: RunStarted): () => unknown {
    if (turn === undefined) throw this.fail(new ReplayError("TypeMismatch", `"${program.type}" is a conversation and runs only in turns`));
    // An event that the turn's code named no function for goes to the conversation's handler, if it has one.
    const inbox: EventInbox = new EventInbox((event) => {
      const handler = program.onEvent.get(event.type);
      if (handler !== undefined) this.call(() => handler(context, view, event));
      return handler !== undefined;
    });
    const view = new TurnView(turn, this, inbox);
    this.#inbox = inbox;
    return () => answerTurn(program, context, view);
  }

  #threw(error: unknown): void {
    if (error instanceof ReplayError) {
      this.#fault ??= error;
      return;
    }
    const failure = toFailure(error, this.settings.converter);
    const isStopping = this.waits.error !== undefined && error instanceof CanceledError;
    // A function that was called for something may fail after the code itself has returned.
    if (this.#closing === undefined || this.#isCompleting) this.#closing = isStopping ? cancelRun(failure) : failRun(failure);
  }

  get #isCompleting(): boolean {
    return this.#closing?.kind.case === "completeRun";
  }

  /** Whether the code has ended, and everything that it was called for. */
  get #isToClose(): boolean {
    return this.#closing !== undefined && !(this.#isCompleting && this.#calls > 0);
  }

  #progress(): Progress {
    this.#recordProblems();
    const isBusy = this.#isCompleting && this.#calls > 0;
    if (this.#closing === undefined || isBusy) {
      if (this.waits.count === 0 && (this.handlerCount === 0 || isBusy)) {
        throw this.fail(
          new ReplayError("Stuck", "the code waits for something that is not durable (a timer, I/O, a promise of its own): it would never go on"),
        );
      }
      return { commands: this.#commands, seenEventId: this.#seenEventId, isClosing: false };
    }
    const commands = [...this.#commands];
    // The messages of an answer that nobody will read go back to the mailbox.
    for (const key of this.steps.openAsks) commands.push(cancelCommand(key));
    commands.push(this.#closing);
    return { commands, seenEventId: this.#seenEventId, isClosing: true };
  }

  #finishReplay(): void {
    const drift = this.steps.finishReplay();
    if (drift === "") return;
    if (this.settings.isStrict) {
      throw this.fail(new ReplayError("Drift", `the journal has steps that the code no longer takes: ${drift}`));
    }
    this.settings.logger.warn("code drifted from the journal", { ...this.identity, workflowType: this.program.type, steps: drift });
  }

  /** Tells what went wrong without the code looking: once, and not again in replay. */
  #recordProblems(): void {
    const isClosing = this.#isToClose;
    if (isClosing && this.waits.error === undefined) this.#problems.leave(this.steps.leftBehind);
    const { converter, logger } = this.settings;
    for (const { key, error } of this.#problems.claim(isClosing, this.steps)) {
      this.push(recordProblem(key, toFailure(error, converter)));
      logger.error("something in the code went wrong that it does not look at", {
        ...this.identity, workflowType: this.program.type, key, error: error.stack ?? error.message,
      });
    }
  }

  #check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }
}
