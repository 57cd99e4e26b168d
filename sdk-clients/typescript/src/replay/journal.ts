/** The recorded side of a run: which commands its journal knows, and how local steps ended. */

import type { HistoryEvent, LocalRecorded } from "../gen/everturn/v1/event_pb.js";

/** Kinds of commands with a key. */
export type StepKind = "activity" | "timer" | "child" | "local step" | "message" | "ask" | "state" | "signal" | "approval" | "hand-off" | "problem" | "no-reply" | "close";

/** A command in the journal. */
export interface Recorded {
  readonly kind: StepKind;
  /** What it is about: activity name, workflow type, entry or signal; empty if nothing. */
  readonly subject: string;
  readonly eventId: number;
}

/** A local step in the journal. */
export interface RecordedLocal {
  readonly eventId: number;
  readonly local: LocalRecorded;
}

/** Everything that a whole journal says about commands. */
export class Journal {
  readonly #commands = new Map<string, Recorded>();
  readonly #cancels = new Set<string>();
  /** Keys of commands that failed: they are not asked for again. */
  readonly #failed = new Set<string>();
  readonly #locals: RecordedLocal[] = [];
  #lastCommandId = 0;

  constructor(events: readonly HistoryEvent[]) {
    for (const event of events) this.#read(event);
  }

  /** Id of the last command in the journal; 0 if there is none. */
  get lastCommandId(): number {
    return this.#lastCommandId;
  }

  /** Commands that the code has not asked for. */
  get unmatched(): readonly [key: string, recorded: Recorded][] {
    return [...this.#commands];
  }

  /** Whether the command with a key is there and was not taken. */
  has(key: string): boolean {
    return this.#commands.has(key) || this.#failed.has(key);
  }

  /** Whether the command with a key failed, whatever it was. */
  hasFailed(key: string): boolean {
    return this.#failed.has(key);
  }

  /** Takes the command with a key out, if it is there. */
  take(key: string): Recorded | undefined {
    const recorded = this.#commands.get(key);
    if (recorded !== undefined) this.#commands.delete(key);
    return recorded;
  }

  /** Takes the record of a cancel out; whether there was one. */
  takeCancel(key: string): boolean {
    return this.#cancels.delete(key);
  }

  /** Takes the first local step that was seen up to an event and that `isOpen` wants. */
  takeLocal(seenEventId: number, isOpen: (key: string) => boolean): LocalRecorded | undefined {
    // Locals stand in the order in which they ended, so what they have seen never goes back.
    let index = 0;
    for (;; index += 1) {
      const next = this.#locals[index];
      if (next === undefined || Number(next.local.seenEventId) > seenEventId) return undefined;
      if (isOpen(next.local.key)) break;
    }
    const [found] = this.#locals.splice(index, 1);
    return found?.local;
  }

  #read(event: HistoryEvent): void {
    const { kind } = event;
    switch (kind.case) {
      case "activityScheduled":
        this.#add(event, kind.value.key, "activity", kind.value.activityType);
        break;
      case "timerStarted":
        this.#add(event, kind.value.key, "timer", "");
        break;
      case "childStarted":
        this.#add(event, kind.value.key, "child", kind.value.workflowType);
        break;
      case "localRecorded":
        this.#add(event, kind.value.key, "local step", "");
        this.#locals.push({ eventId: Number(event.id), local: kind.value });
        break;
      case "messageSent":
      case "messageSuppressed":
      case "messageHeld":
        this.#add(event, kind.value.key, "message", "");
        break;
      case "askOpened":
        this.#add(event, kind.value.key, "ask", "");
        break;
      case "stateSet":
        this.#add(event, kind.value.key, "state", kind.value.name);
        break;
      case "signalScheduled":
        this.#add(event, kind.value.key, "signal", kind.value.signalName);
        break;
      case "approvalRequested":
        this.#add(event, kind.value.key, "approval", "");
        break;
      case "handedOff":
        this.#add(event, kind.value.key, "hand-off", "");
        break;
      case "problemRecorded":
        this.#add(event, kind.value.key, "problem", "");
        break;
      case "noReplyRecorded":
        this.#add(event, kind.value.key, "no-reply", "");
        break;
      case "closeRecorded":
        this.#add(event, kind.value.key, "close", "");
        break;
      case "commandFailed":
        this.#failed.add(kind.value.key);
        break;
      case "commandCanceled":
        this.#cancels.add(kind.value.targetKey);
        this.#lastCommandId = Number(event.id);
        break;
      default:
    }
  }

  #add(event: HistoryEvent, key: string, kind: StepKind, subject: string): void {
    const eventId = Number(event.id);
    this.#commands.set(key, { kind, subject, eventId });
    this.#lastCommandId = eventId;
  }
}
