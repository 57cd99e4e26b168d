/** The turn that a conversation's code answers. */

import { type ConversationEvent, type EventType, fromPbEvent, readEvent } from "../event.js";
import { TurnCause as PbCause, type TurnInput } from "../gen/everturn/v1/turn_pb.js";
import { fromPbMessage, type Message, textOf } from "../message.js";
import type { Turn, TurnCause } from "../turn.js";
import type { EventInbox } from "./event-inbox.js";
import type { RunHost } from "./run-host.js";

const CAUSES: Readonly<Record<number, TurnCause>> = {
  [PbCause.MESSAGE]: "message",
  [PbCause.EVENT]: "event",
  [PbCause.IDLE]: "idle",
  [PbCause.CUSTOMER_TIMEOUT]: "customerTimeout",
  [PbCause.STAFF_TIMEOUT]: "staffTimeout",
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
