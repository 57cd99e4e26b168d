/**
 * What became of the messages of a run. Whether a message left or a fence kept it in stands in its
 * record, which a task does not bring to the worker that asked for it. Code that wants to know starts
 * a timer of no length: when it fires the record is in the journal, in front of it, so the code learns
 * of it at the same point in every replay. Live, the worker reads the journal from where the message
 * was sent (`recordsAfter`).
 */

import { fromPbDeliveryStatus } from "../delivery-state.js";
import { type CommandError, ReplayError } from "../errors.js";
import type { DeliveryChanged, HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import { fromPbTime } from "../duration.js";
import type { DeliveryOutcome, ReplyRecord } from "../turn.js";
import { suppressReason } from "./suppress-reasons.js";
import type { Wait, Waits } from "./waits.js";

const RANKS: Readonly<Record<DeliveryOutcome["status"], number>> = {
  accepted: 1,
  delivered: 2,
  read: 3,
  failed: Number.POSITIVE_INFINITY,
  unknown: Number.POSITIVE_INFINITY,
  suppressed: Number.POSITIVE_INFINITY,
};

interface Watcher {
  readonly key: string;
  readonly rank: number;
  readonly wait: Wait<DeliveryOutcome>;
}

/** The messages of one run. */
export class Outbox {
  readonly #records = new Map<string, ReplyRecord>();
  readonly #deliveries = new Map<string, DeliveryOutcome>();
  /** Messages whose record the code waits for, with the event that the code had seen when it sent them. */
  readonly #wanted = new Map<string, number>();
  readonly #watchers = new Set<Watcher>();
  readonly #refusals = new Map<string, CommandError>();

  /** Id of the event after which the journal must be read for records; `undefined` if none are wanted. */
  get recordsAfter(): number | undefined {
    let after: number | undefined;
    for (const eventId of this.#wanted.values()) after = Math.min(after ?? eventId, eventId);
    return after;
  }

  /** Takes the record of a message out of an event, if it is one. */
  read({ kind }: HistoryEvent): void {
    if (kind.case === "messageSent") {
      const { key, messageSequence, channel } = kind.value;
      this.#records.set(key, { sequence: Number(messageSequence), channel });
    } else if (kind.case === "messageSuppressed") {
      const { key, reason, channel } = kind.value;
      this.#records.set(key, { suppressed: suppressReason(reason), channel });
    } else if (kind.case === "messageHeld") {
      const { key, untilTime, channel } = kind.value;
      this.#records.set(key, { heldUntil: new Date(fromPbTime(untilTime)), channel });
    }
  }

  /** The code waits for the record of a message that it sent when it had seen an event. */
  want(key: string, seenEventId: number): void {
    if (!this.#records.has(key)) this.#wanted.set(key, seenEventId);
  }

  /** The code does not wait for the record of a message any longer. */
  forget(key: string): void {
    this.#wanted.delete(key);
  }

  /** A message could not be sent. False: the code does not wait for its record. */
  refused(key: string, error: CommandError): boolean {
    this.#refusals.set(key, error);
    return this.#wanted.has(key);
  }

  /**
   * Gives the record that was waited for.
   *
   * @throws CommandError if the message could not be sent; ReplayError if the record was not read.
   */
  record(key: string): ReplyRecord {
    this.#wanted.delete(key);
    const refusal = this.#refusals.get(key);
    if (refusal !== undefined) throw refusal;
    const record = this.#records.get(key);
    if (record === undefined) throw new ReplayError("RecordMissing", `the journal has no record of the message "${key}" where it must be`);
    return record;
  }

  /** The delivery of a message came further. */
  changed({ key, status, detail }: DeliveryChanged): void {
    const name = fromPbDeliveryStatus(status);
    if (name === undefined || name === "pending" || name === "sending") return;
    const outcome: DeliveryOutcome = { status: name, suppressed: undefined, detail };
    this.#deliveries.set(key, outcome);
    for (const watcher of [...this.#watchers]) {
      if (watcher.key === key && RANKS[name] >= watcher.rank) watcher.wait.resolve(outcome);
    }
  }

  /** Waits until the delivery of a message came so far, or no further. */
  delivered(key: string, status: "accepted" | "delivered" | "read", waits: Waits): Promise<DeliveryOutcome> {
    const refusal = waits.refusal();
    if (refusal !== undefined) return refusal;
    const rank = RANKS[status];
    const known = this.#deliveries.get(key);
    if (known !== undefined && RANKS[known.status] >= rank) return Promise.resolve(known);
    return waits.open<DeliveryOutcome>((wait) => {
      const watcher = { key, rank, wait };
      this.#watchers.add(watcher);
      wait.onEnd = (): void => {
        this.#watchers.delete(watcher);
      };
    }).promise;
  }
}
