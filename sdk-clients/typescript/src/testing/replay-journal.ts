/** Checks code against a recorded journal: an old journal must replay for ever. */

import { fromBinary, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ReplayError } from "../errors.js";
import { type HistoryEvent, HistoryEventSchema, RunStatus } from "../gen/everturn/v1/event_pb.js";
import type { Command } from "../gen/everturn/v1/command_pb.js";
import { type GetHistoryResponse, GetHistoryResponseSchema } from "../gen/everturn/v1/workflow_service_pb.js";
import { type Logger, silentLogger } from "../logger.js";
import { jsonConverter, type PayloadConverter } from "../payload.js";
import type { Program } from "../replay/program.js";
import { Run } from "../replay/run.js";

/** How a journal is replayed. */
export interface ReplayOptions {
  /** Default: that of a run named `workflow`. */
  readonly workflowId?: string;
  /** Seeds chance: give the recorded one if the code uses `random` or `uuid`. */
  readonly runId?: string;
  /** False: steps that the code no longer takes are allowed. Default true. */
  readonly isStrict?: boolean;
  readonly converter?: PayloadConverter;
  readonly logger?: Logger;
}

/** What the code would ask for at the end of the journal. */
export interface ReplayOutcome {
  /** Commands that the journal does not have: steps that are new, or that were under way. */
  readonly newCommands: readonly Command[];
  /** Whether the code came to its end. */
  readonly isClosed: boolean;
}

const CLOSED_BY: Readonly<Record<string, RunStatus>> = {
  completeRun: RunStatus.COMPLETED,
  failRun: RunStatus.FAILED,
  cancelRun: RunStatus.CANCELED,
};

/**
 * Replays a journal with the code as it is now.
 *
 * @throws ReplayError if the code does not fit: another kind of step under a recorded key, steps that
 *   are gone (unless `isStrict` is false), or another end than the recorded one.
 */
export async function replayJournal(program: Program, events: readonly HistoryEvent[], options: ReplayOptions = {}): Promise<ReplayOutcome> {
  const identity = { workflowId: options.workflowId ?? "workflow", runId: options.runId ?? "run" };
  const run = new Run(program, identity, {
    converter: options.converter ?? jsonConverter,
    logger: options.logger ?? silentLogger,
    isStrict: options.isStrict ?? true,
  });
  const { commands, isClosing } = await run.advance(events);
  const end = events.at(-1)?.kind;
  if (end?.case === "runClosed") {
    const kind = isClosing ? commands.at(-1)?.kind.case : undefined;
    const recorded = RunStatus[end.value.status];
    const fromOutside = end.value.status === RunStatus.TERMINATED || end.value.status === RunStatus.TIMED_OUT;
    if (!fromOutside && (kind === undefined || CLOSED_BY[kind] !== end.value.status)) {
      throw new ReplayError("EndMismatch", `the journal ends as ${recorded}, the code ends with ${kind ?? "nothing"}`);
    }
  }
  const closes = (command: Command): boolean => command.kind.case !== undefined && command.kind.case in CLOSED_BY;
  return { newCommands: commands.filter((command) => !closes(command) && command.kind.case !== "cancelCommand"), isClosed: isClosing };
}

/** Reads a journal that was stored: `GetHistoryResponse` as protobuf JSON, or as bytes. */
export function readJournal(stored: JsonValue | Uint8Array): HistoryEvent[] {
  const response: GetHistoryResponse =
    stored instanceof Uint8Array ? fromBinary(GetHistoryResponseSchema, stored) : fromJson(GetHistoryResponseSchema, stored);
  return response.events;
}

/** Writes a journal to be stored: the same JSON that {@link readJournal} reads. */
export function writeJournal(events: readonly HistoryEvent[]): JsonValue {
  return { events: events.map((event) => toJson(HistoryEventSchema, event)) };
}
