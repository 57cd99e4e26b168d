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
import { fromPbMessage, type Message } from "../message.js";
import { decodeOptional } from "../payload.js";
import type { Conversation } from "../conversation.js";
import { type ConversationEvent, fromPbEvent } from "../event.js";
import { answerTurn } from "./answer-turn.js";
import { cancelCommand, cancelRun, completeRun, failRun } from "./commands.js";
import { EventInbox } from "./event-inbox.js";
import type { StepKind } from "./journal.js";
import { Locals } from "./locals.js";
import { Mailbox } from "./mailbox.js";
import type { Program, Progress, RunIdentity, RunSettings } from "./program.js";
import { quiescence } from "./quiescence.js";
import { SeededRandom } from "./random.js";
import { Outbox } from "./outbox.js";
import { RunContext } from "./run-context.js";
import { TurnView } from "./turn-view.js";
import { outcomeOf } from "./outcomes.js";
import { Steps } from "./steps.js";
import { type Wait, Waits } from "./waits.js";

/** One run of a workflow, or one turn of a conversation. */
export class Run {
  readonly waits = new Waits();
  readonly arrivals = new Mailbox<readonly Message[]>();
  readonly outbox = new Outbox();
  readonly random: SeededRandom;
  /** Time of the last notification, in milliseconds since 1970. */
  timeMs = 0;
  /** Number of functions that are called for signals, messages or events. */
  handlerCount = 0;

  readonly #steps: Steps;
  readonly #signals = new Map<string, Mailbox<unknown>>();
  readonly #locals: Locals;
  #commands: Command[] = [];
  #closing: Command | undefined;
  /** Number of functions of the user that were called for something and have not ended. */
  #calls = 0;
  #inbox: EventInbox | undefined;
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
      throw error instanceof ReplayError ? this.fail(error) : error;
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
      const isKnown = kind === "activity" || kind === "timer" || kind === "child" || kind === "ask" || kind === "approval";
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

  /** @throws ReplayError if the code runs although nothing was delivered to it. */
  checkActive(): void {
    if (!this.#isActive) {
      throw this.fail(
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
      this.outbox.read(event);
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
        case "eventsArrived":
        case "deliveryChanged":
          break;
        default:
          return false;
      }
    }
    this.timeMs = Math.max(this.timeMs, fromPbTime(event.time));
    this.#notificationId = Number(event.id);
    this.#isActive = true;
    try {
      if (outcome !== undefined) this.#steps.end(outcome);
      else this.#tell(kind);
    } catch (error) {
      // What arrived cannot be read: the run learns of it as of an error of its own.
      this.#threw(error);
    }
    await quiescence();
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
      if (started.turn !== undefined) throw this.fail(new ReplayError("TypeMismatch", `"${program.type}" is a workflow and cannot answer turns`));
      main = () => program.run(context, decodeOptional(converter, started.input));
    } else {
      const { turn } = started;
      if (turn === undefined) throw this.fail(new ReplayError("TypeMismatch", `"${program.type}" is a conversation and runs only in turns`));
      const inbox: EventInbox = new EventInbox((event) => this.#handleEvent(program, context, view, event));
      const view = new TurnView(turn, this, inbox);
      this.#inbox = inbox;
      main = () => answerTurn(program, context, view);
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

  /** An event came that the turn's code named no function for; whether the conversation has a handler. */
  #handleEvent(program: Conversation, context: RunContext, view: TurnView, event: ConversationEvent): boolean {
    const handler = program.onEvent.get(event.type);
    if (handler === undefined) return false;
    this.call(() => handler(context, view, event));
    return true;
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

  // -- the end of a task -----------------------------------------------------------------

  get #isCompleting(): boolean {
    return this.#closing?.kind.case === "completeRun";
  }

  #progress(): Progress {
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
    for (const key of this.#steps.openAsks) commands.push(cancelCommand(key));
    commands.push(this.#closing);
    return { commands, seenEventId: this.#seenEventId, isClosing: true };
  }

  #finishReplay(): void {
    const drift = this.#steps.finishReplay();
    if (drift === "") return;
    if (this.settings.isStrict) {
      throw this.fail(new ReplayError("Drift", `the journal has steps that the code no longer takes: ${drift}`));
    }
    this.settings.logger.warn("code drifted from the journal", { ...this.identity, workflowType: this.program.type, steps: drift });
  }

  #check(): void {
    if (this.#fault === undefined) return;
    this.#isActive = false;
    throw this.#fault;
  }
}
