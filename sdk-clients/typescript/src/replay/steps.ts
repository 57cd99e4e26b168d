/**
 * The steps of a run: matched by key with its journal when the code asks for them, open until their
 * outcome is delivered.
 */

import { ReplayError } from "../errors.js";
import type { HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import type { PayloadConverter } from "../payload.js";
import { Journal, type Recorded, type StepKind } from "./journal.js";
import { Keys } from "./keys.js";
import { localOutcome, type OpenStep, type StepOutcome } from "./outcomes.js";
import type { Wait } from "./waits.js";

/** The steps of one run. */
export class Steps {
  readonly #keys = new Keys();
  readonly #open = new Map<string, OpenStep>();
  /** Outcomes in the journal of steps that the code had not asked for when they came. */
  readonly #early = new Map<string, StepOutcome>();
  readonly #ready: string[] = [];
  #journal: Journal | undefined;
  #isReplayed = false;

  constructor(private readonly converter: PayloadConverter) {}

  /** Begins a replay of a whole journal. */
  replay(events: readonly HistoryEvent[]): void {
    this.#journal = new Journal(events);
  }

  /** Id of the last command in the journal that is replayed; 0 if there is none. */
  get lastRecordedId(): number {
    return this.#journal?.lastCommandId ?? 0;
  }

  /** Keys of open asks. */
  get openAsks(): string[] {
    return [...this.#open].filter(([, step]) => step.kind === "ask").map(([key]) => key);
  }

  /**
   * Takes a key for a step and looks it up in the journal.
   *
   * @returns The key, and whether the step is recorded.
   * @throws ReplayError if the journal has another kind of step under it, or the key cannot be taken.
   */
  claim(kind: StepKind, subject: string, name: string, chosen: string | undefined): { key: string; isRecorded: boolean } {
    const key = this.#keys.take(name, chosen);
    const recorded = this.#journal?.take(key);
    if (recorded !== undefined && (recorded.kind !== kind || recorded.subject !== subject)) {
      throw mismatch(key, recorded, kind, subject);
    }
    if (kind === "ask") this.#journal?.take(`${key}/message`);
    return { key, isRecorded: recorded !== undefined };
  }

  /** Opens a step whose outcome will be delivered. */
  open(key: string, kind: StepKind, subject: string, wait: Wait<unknown>): void {
    wait.onEnd = (): void => {
      this.#open.delete(key);
    };
    this.#open.set(key, { kind, subject, wait });
    if (this.#early.has(key)) this.#ready.push(key);
  }

  /** Delivers the end of a step. */
  end(outcome: StepOutcome): void {
    const step = this.#open.get(outcome.key);
    if (step !== undefined) outcome.settle(step, this.converter);
    else if (this.#journal?.has(outcome.key) === true) this.#early.set(outcome.key, outcome);
  }

  /** Takes a recorded outcome that can be delivered although it is no news: one that came early, or of a local step. */
  takeRecorded(notificationId: number): StepOutcome | undefined {
    for (let key = this.#ready.shift(); key !== undefined; key = this.#ready.shift()) {
      const early = this.#early.get(key);
      this.#early.delete(key);
      if (early !== undefined) return early;
    }
    const local = this.#journal?.takeLocal(notificationId, (key) => this.#open.has(key));
    return local === undefined ? undefined : localOutcome(local.key, local.outcome.value);
  }

  /** Takes the record of a cancel; whether there was one. */
  takeCancel(key: string): boolean {
    return this.#journal?.takeCancel(key) ?? false;
  }

  /** The journal was delivered. Says once which steps the code did not take; empty if none. */
  finishReplay(): string {
    if (this.#isReplayed) return "";
    this.#isReplayed = true;
    const drift = this.#journal?.unmatched ?? [];
    // Otherwise the rest is kept: the code may take these steps later than it used to.
    if (drift.length === 0) this.#journal = undefined;
    return drift.map(([key, recorded]) => `"${key}" (${describe(recorded.kind, recorded.subject)})`).join(", ");
  }
}

function mismatch(key: string, recorded: Recorded, kind: StepKind, subject: string): ReplayError {
  return new ReplayError(
    "KindMismatch",
    `step "${key}": the journal has ${describe(recorded.kind, recorded.subject)} (event ${String(recorded.eventId)}), ` +
      `the code wants ${describe(kind, subject)}`,
  );
}

function describe(kind: StepKind, subject: string): string {
  const article = kind === "activity" || kind === "ask" || kind === "approval" ? "an" : "a";
  return subject === "" ? `${article} ${kind}` : `${article} ${kind} "${subject}"`;
}
