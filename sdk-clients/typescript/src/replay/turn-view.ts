/** The turn that a conversation's code answers. */

import type { Turn } from "../context.js";
import type { TurnInput } from "../gen/everturn/v1/turn_pb.js";
import { fromPbMessage, type Message, textOf } from "../message.js";
import type { Run } from "./run.js";

/** One turn, read from the first event of its run. */
export class TurnView implements Turn {
  readonly conversationId: string;
  readonly conversationType: string;
  readonly number: number;
  readonly cause = "message";
  readonly messages: readonly Message[];
  readonly recent: readonly Message[];
  readonly text: string;
  readonly replyChannel: string;
  readonly #run: Run;

  constructor(input: TurnInput, run: Run) {
    const { converter } = run.settings;
    this.#run = run;
    this.conversationId = input.conversationId;
    this.conversationType = input.conversationType;
    this.number = Number(input.number);
    this.messages = input.messages.map((message) => fromPbMessage(message, converter));
    this.recent = input.recent.map((message) => fromPbMessage(message, converter));
    this.text = textOf(this.messages);
    this.replyChannel = input.replyChannel;
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
      yield await this.#run.arrivals.take(this.#run.waits);
    }
  }
}
