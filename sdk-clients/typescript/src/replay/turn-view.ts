/** The turn that a conversation's code answers. */

import { type ConversationEvent, type EventType, fromPbEvent, readEvent } from "../event.js";
import { type InterruptedStep as PbStep, StepKind, TurnCause as PbCause, type TurnInput } from "../gen/everturn/v1/turn_pb.js";
import { fromPbMessage, type Message, textOf } from "../message.js";
import { failureInfo } from "../failure.js";
import { decodeOptional, type PayloadConverter } from "../payload.js";
import type { InterruptedStep, InterruptedTurns, Turn, TurnCause } from "../turn.js";
import type { EventInbox } from "./event-inbox.js";
import type { RunHost } from "./run-host.js";

const CAUSES: Readonly<Record<number, TurnCause>> = {
  [PbCause.MESSAGE]: "message",
  [PbCause.EVENT]: "event",
  [PbCause.IDLE]: "idle",
  [PbCause.CUSTOMER_TIMEOUT]: "customerTimeout",
  [PbCause.STAFF_TIMEOUT]: "staffTimeout",
  [PbCause.REOPENED]: "reopened",
};

const STEP_KINDS: Readonly<Record<number, InterruptedStep["kind"]>> = {
  [StepKind.ACTIVITY]: "activity",
  [StepKind.CHILD]: "child",
  [StepKind.LOCAL]: "local",
};

/** One turn, read from the first event of its run. */
export class TurnView implements Turn {
  readonly conversationId: string;
  readonly conversationType: string;
  readonly number: number;
  readonly cause: TurnCause;
  readonly attempt: number;
  readonly messages: readonly Message[];
  readonly events: readonly ConversationEvent[];
  readonly text: string;
  readonly replyChannel: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly #run: RunHost;
  readonly #inbox: EventInbox;
  readonly #input: TurnInput;
  #recent: readonly Message[] | undefined;
  #interrupted: InterruptedTurns | undefined;

  constructor(input: TurnInput, run: RunHost, inbox: EventInbox) {
    const { converter } = run.settings;
    this.#run = run;
    this.#inbox = inbox;
    this.conversationId = input.conversationId;
    this.conversationType = input.conversationType;
    this.number = Number(input.number);
    this.cause = CAUSES[input.cause] ?? "message";
    this.attempt = Math.max(1, input.attempt);
    this.messages = input.messages.map((message) => fromPbMessage(message, converter));
    this.events = input.events.map((event) => fromPbEvent(event, converter));
    this.#input = input;
    this.text = textOf(this.messages);
    this.replyChannel = input.replyChannel;
    this.addresses = input.addresses;
  }

  /** Read when it is looked at: most turns do not. */
  get recent(): readonly Message[] {
    const { converter } = this.#run.settings;
    return (this.#recent ??= this.#input.recent.map((message) => fromPbMessage(message, converter)));
  }

  /** Read when it is looked at, too. */
  get interrupted(): InterruptedTurns | undefined {
    const { interrupted } = this.#input;
    if (interrupted === undefined) return undefined;
    const { converter } = this.#run.settings;
    const { firstTurn, steps } = interrupted;
    return (this.#interrupted ??= { firstTurn: Number(firstTurn), steps: steps.map((it) => fromPbStep(it, converter)) });
  }

  onMessage(handler: (messages: readonly Message[]) => unknown): void {
    const run = this.#run;
    run.checkActive();
    run.handlerCount += 1;
    run.arrivals.handle((messages) => {
      run.call(() => handler(messages));
    });
  }

  async *arrivals(): AsyncGenerator<readonly Message[], never, undefined> {
    for (;;) {
      this.#run.checkActive();
      yield await this.#run.arrivals.take(this.#run.waits).promise;
    }
  }

  onEvent(handler: (event: ConversationEvent) => unknown): void;
  onEvent<Payload>(type: EventType<Payload>, handler: (event: ConversationEvent<Payload>) => unknown): void;
  onEvent(first: EventType<unknown> | ((event: ConversationEvent) => unknown), second?: (event: ConversationEvent<never>) => unknown): void {
    const run = this.#run;
    run.checkActive();
    run.handlerCount += 1;
    if (typeof first === "function") {
      this.#inbox.listen(undefined, (event) => {
        run.call(() => first(event));
      });
      return;
    }
    const handler = second as (event: ConversationEvent) => unknown;
    this.#inbox.listen(first.type, (event) => {
      run.call(() => handler(readEvent(first, event)));
    });
  }
}

function fromPbStep({ turn, key, kind, activityType, outcome, isCut }: PbStep, converter: PayloadConverter): InterruptedStep {
  const common = { turn: Number(turn), key, kind: STEP_KINDS[kind] ?? "local", activityType, isCut };
  if (outcome.case === "failure") return { ...common, status: "failed", result: undefined, failure: failureInfo(outcome.value, converter) };
  if (outcome.case === undefined) return { ...common, status: "unknown", result: undefined, failure: undefined };
  return { ...common, status: "completed", result: isCut ? undefined : decodeOptional(converter, outcome.value), failure: undefined };
}
