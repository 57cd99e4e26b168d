/** What was written during a handover may come in several events: they are one hand-back for the code. */

import type { HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import type { Message } from "../gen/everturn/v1/message_pb.js";

/** The hand-backs of a run, as far as they came in pages. */
export class HandBackPages {
  readonly #pages = new Map<string, readonly Message[]>();

  /** Whether more of the same hand-back follows; the last page is given what came before it. */
  take({ kind }: HistoryEvent): boolean {
    if (kind.case !== "handedBack") return false;
    const { key, hasMore, messages } = kind.value;
    const before = this.#pages.get(key) ?? [];
    if (hasMore) this.#pages.set(key, [...before, ...messages]);
    else if (this.#pages.delete(key)) kind.value = { ...kind.value, messages: [...before, ...messages] };
    return hasMore;
  }
}
