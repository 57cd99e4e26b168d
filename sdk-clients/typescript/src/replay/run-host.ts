/** What a run gives to the objects that its code holds: its context, its state, its turn. */

import type { Command } from "../gen/everturn/v1/command_pb.js";
import type { Message } from "../message.js";
import type { ReplayError } from "../errors.js";
import type { StepKind } from "./journal.js";
import type { Mailbox } from "./mailbox.js";
import type { Outbox } from "./outbox.js";
import type { Program, RunIdentity, RunSettings } from "./program.js";
import type { SeededRandom } from "./random.js";
import type { Steps } from "./steps.js";
import type { Wait, Waits } from "./waits.js";

/** The run behind the objects that its code holds. */
export interface RunHost {
  readonly program: Program;
  readonly identity: RunIdentity;
  readonly settings: RunSettings;
  readonly steps: Steps;
  readonly waits: Waits;
  readonly outbox: Outbox;
  readonly arrivals: Mailbox<readonly Message[]>;
  readonly random: SeededRandom;
  /** Time of the last notification, in milliseconds since 1970. */
  readonly timeMs: number;
  /** Id of the last event that the code was given. */
  readonly seenEventId: number;
  /** True while the code goes where it has been before. */
  readonly isReplaying: boolean;
  /** Number of functions that are called for signals, messages or events. */
  handlerCount: number;
  /** Takes a key for a step and looks it up in the journal. */
  claim(kind: StepKind, subject: string, name: string, chosen: string | undefined): { key: string; isRecorded: boolean };
  /** Asks the coordinator for something. */
  push(command: Command): void;
  /** Opens a step whose outcome will be a notification or a local result. */
  open(key: string, kind: StepKind, subject: string, site: Error, command: Command | undefined): Wait<unknown>;
  /** Runs a local step now. */
  startLocal(key: string, fn: () => unknown): void;
  /** The signals of a name. */
  signals(name: string): Mailbox<unknown>;
  /** Calls a function of the user; if it fails, so does the run. */
  call(handler: () => unknown): void;
  /** Remembers an error that user code may try to catch: the task fails all the same. */
  fail(error: ReplayError): ReplayError;
  /** Throws if the code runs although nothing was delivered to it. */
  checkActive(): void;
}
