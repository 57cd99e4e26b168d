/** How much fits into one message of the stream. */

import type { Command } from "../gen/everturn/v1/command_pb.js";
import type { Failure } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import type { WorkflowTaskResult } from "../gen/everturn/v1/worker_service_pb.js";

/** A batch ends at this size, below the 4 MiB of a gRPC message. */
export const BATCH_BYTES_MAX = 3 * 1024 * 1024;
/** A part of a completion ends at this size, or at so many commands. */
const PART_BYTES_MAX = 1024 * 1024;
const PART_COMMANDS_MAX = 1_000;

/** Bytes that are left in a batch; the first item always fits. */
export class Budget {
  #left = BATCH_BYTES_MAX;
  #isEmpty = true;

  /** Takes room for an item; false if there is none. */
  take(bytes: number): boolean {
    if (bytes > this.#left && !this.#isEmpty) return false;
    this.#left -= bytes;
    this.#isEmpty = false;
    return true;
  }
}

/** Size of a result or failure on the wire, from above. */
export function outcomeBytes(outcome: Payload | Failure): number {
  if (outcome.$typeName === "everturn.v1.Payload") return outcome.data.length + 320;
  return failureBytes(outcome);
}

function failureBytes(failure: Failure): number {
  let bytes = 256 + utf8(failure.type) + utf8(failure.message) + utf8(failure.stackTrace) + (failure.details?.data.length ?? 0);
  if (failure.cause !== undefined) bytes += failureBytes(failure.cause);
  for (const cause of failure.moreCauses) bytes += failureBytes(cause);
  return bytes;
}

/** From this length on a text is measured; a shorter one counts as three bytes a character. */
const MEASURED_LENGTH = 256;

/** Bytes of a text, from above. */
function utf8(text: string): number {
  return text.length < MEASURED_LENGTH ? 3 * text.length : Buffer.byteLength(text);
}

/** Cuts the commands of a task into parts that each fit into a message: at least one, which may be empty. */
export function partsOf(commands: readonly Command[]): Command[][] {
  const parts: Command[][] = [];
  let part: Command[] = [];
  let bytes = 0;
  for (const command of commands) {
    const own = commandBytes(command);
    if (part.length > 0 && (bytes + own > PART_BYTES_MAX || part.length === PART_COMMANDS_MAX)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(command);
    bytes += own;
  }
  parts.push(part);
  return parts;
}

/** Size of a workflow task's result on the wire, from above. */
export function completionBytes(result: WorkflowTaskResult): number {
  let bytes = result.taskToken.length + 64;
  for (const command of result.commands) bytes += commandBytes(command);
  if (result.failure !== undefined) bytes += outcomeBytes(result.failure);
  return bytes;
}

/** Size of a command on the wire, from above. */
export function commandBytes({ key, kind }: Command): number {
  const bytes = utf8(key) + 512;
  switch (kind.case) {
    case "scheduleActivity":
    case "startChild":
    case "sendSignal":
      return bytes + (kind.value.input?.data.length ?? 0);
    case "recordLocal":
      return bytes + (kind.value.outcome.value === undefined ? 0 : outcomeBytes(kind.value.outcome.value));
    case "sendMessage":
    case "ask": {
      const message = kind.case === "ask" ? kind.value.message : kind.value;
      return bytes + utf8(message?.content?.text ?? "") + (message?.content?.data?.data.length ?? 0) + 48 * 1024 * Number(hasAttributes(message?.content?.attributes));
    }
    case "requestApproval":
      return bytes + utf8(kind.value.title) + (kind.value.details?.data.length ?? 0) + (kind.value.arguments?.data.length ?? 0);
    case "handOff":
      return bytes + utf8(kind.value.reason) + (kind.value.context?.data.length ?? 0);
    case "setState":
      return bytes + (kind.value.value?.data.length ?? 0);
    case "completeRun":
      return bytes + (kind.value.result?.data.length ?? 0);
    case "noReply":
    case "closeConversation":
      return bytes + utf8(kind.value.reason);
    case "recordProblem":
    case "failRun":
    case "cancelRun":
      return bytes + (kind.value.failure === undefined ? 0 : outcomeBytes(kind.value.failure));
    default:
      return bytes;
  }
}

function hasAttributes(attributes: Readonly<Record<string, string>> | undefined): boolean {
  return attributes !== undefined && Object.keys(attributes).length > 0;
}
