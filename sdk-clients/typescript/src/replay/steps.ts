/**
 * The steps of a run: matched by key with its journal when the code asks for them, open until their
 * outcome is delivered.
 */

import { ReplayError } from "../errors.js";
import type { HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import type { PayloadConverter } from "../payload.js";
import type { Command } from "../gen/everturn/v1/command_pb.js";
import { PENDING_ACTIVITIES, PENDING_CHILDREN, PENDING_SIGNALS } from "../rules.js";
import { FanOut } from "./fan-out.js";
import { Journal, type Recorded, type StepKind } from "./journal.js";
import { Keys } from "./keys.js";
import { localOutcome, type OpenStep, type StepOutcome } from "./outcomes.js";
import type { Wait } from "./waits.js";

/** A step that is open, with how it came to be. */
interface Open extends OpenStep {
  /** Where the code asked for it. */
  readonly site: Error;
}

/** Half of what the coordinator takes: room for those that end while more are on their way. */
const SHARE = 2;

/** Kinds that the code must not leave behind, when it was not told to stop. */
const AWAITED: readonly StepKind[] = ["activity", "child", "signal", "approval", "hand-off", "local step"];

/** The steps of one run. */
export class Steps {
  readonly #keys = new Keys();
  readonly #open = new Map<string, Open>();
  readonly #fanOuts: Partial<Record<StepKind, FanOut>> = {
    activity: new FanOut(PENDING_ACTIVITIES / SHARE),
    child: new FanOut(PENDING_CHILDREN / SHARE),
    signal: new FanOut(PENDING_SIGNALS / SHARE),
  };
  readonly #counts: Partial<Record<StepKind, number>> = {};
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
    const isRecorded = recorded !== undefined || this.#journal?.hasFailed(key) === true;
    if (recorded !== undefined && (recorded.kind !== kind || recorded.subject !== subject)) {
      throw mismatch(key, recorded, kind, subject);
    }
    if (kind === "ask") this.#journal?.take(`${key}/message`);
    return { key, isRecorded };
  }

  /** Gives the key of a step back that was refused. */
  giveBack(key: string): void {
    this.#keys.giveBack(key);
  }

  /** Number of open steps of a kind. */
  countOf(kind: StepKind): number {
    return this.#counts[kind] ?? 0;
  }

  /**
   * Opens a step whose outcome will be delivered.
   *
   * @param command What asks for it; none if it is recorded.
   * @param push Takes commands that go out: now, or when it is their turn.
   */
  open(key: string, kind: StepKind, subject: string, wait: Wait<unknown>, site: Error, command: Command | undefined, push: (command: Command) => void): void {
    const fanOut = this.#fanOuts[kind];
    const now = fanOut === undefined ? command : fanOut.begin(key, command);
    if (now !== undefined) push(now);
    this.#counts[kind] = this.countOf(kind) + 1;
    wait.onEnd = (): void => {
      this.#open.delete(key);
      this.#counts[kind] = this.countOf(kind) - 1;
      const next = fanOut?.end(key);
      if (next !== undefined) push(next);
    };
    this.#open.set(key, { kind, subject, wait, site });
    if (this.#early.has(key)) this.#ready.push(key);
  }

  /** Whether a step is asked for only when others of its kind have ended. */
  isHeld(key: string, kind: StepKind): boolean {
    return this.#fanOuts[kind]?.isHeld(key) ?? false;
  }

  /** Steps that the code has not waited for, with what they are. */
  get leftBehind(): readonly { readonly key: string; readonly what: string; readonly site: Error }[] {
    const open = [...this.#open].filter(([, step]) => AWAITED.includes(step.kind));
    return open.map(([key, step]) => ({ key, what: describe(step.kind, step.subject), site: step.site }));
  }

  /** Where the code asked for a step. */
  siteOf(key: string): Error | undefined {
    return this.#open.get(key)?.site;
  }

  /** Delivers the end of a step; false if the code does not wait for it now. */
  end(outcome: StepOutcome): boolean {
    const step = this.#open.get(outcome.key);
    if (step !== undefined) outcome.settle(step, this.converter);
    else if (this.#journal?.has(outcome.key) === true) this.#early.set(outcome.key, outcome);
    return step !== undefined;
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
    const unmatched = this.#journal?.unmatched ?? [];
    // The rest is kept: the code may take these steps later than it used to, and problems are told at the end of a task.
    if (unmatched.length === 0) this.#journal = undefined;
    const drift = unmatched.filter(([, { kind }]) => kind !== "problem");
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
  const article = /^[aeiou]/.test(kind) ? "an" : "a";
  return subject === "" ? `${article} ${kind}` : `${article} ${kind} "${subject}"`;
}
