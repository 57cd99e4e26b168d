/** Events that are delivered into a running turn: to the functions that the turn named, else to the conversation's handlers. */

import type { ConversationEvent } from "../event.js";

interface Listener {
  /** Type of the events that it wants; `undefined`: any. */
  readonly type: string | undefined;
  readonly handler: (event: ConversationEvent) => void;
}

/** The events of one turn that came while it ran. */
export class EventInbox {
  readonly #listeners: Listener[] = [];
  #kept: ConversationEvent[] = [];

  /** @param fallback Handles an event that no function of the turn wants; false if it does not. */
  constructor(private readonly fallback: (event: ConversationEvent) => boolean) {}

  /** Takes an event in. */
  deliver(event: ConversationEvent): void {
    const listeners = this.#listeners.filter((it) => it.type === undefined || it.type === event.type);
    for (const { handler } of listeners) handler(event);
    if (listeners.length === 0 && !this.fallback(event)) this.#kept.push(event);
  }

  /** Hands what follows to a function, what is kept first. */
  listen(type: string | undefined, handler: (event: ConversationEvent) => void): void {
    this.#listeners.push({ type, handler });
    const kept = this.#kept;
    this.#kept = [];
    for (const event of kept) {
      if (type === undefined || type === event.type) handler(event);
      else this.#kept.push(event);
    }
  }
}
