/** How much fits into one message of the stream. */

import type { Command } from "../gen/everturn/v1/command_pb.js";
import type { Failure } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import type { WorkflowTaskResult } from "../gen/everturn/v1/worker_service_pb.js";

/** A batch ends at this size, below the 4 MiB of a gRPC message. */
export const BATCH_BYTES_MAX = 3 * 1024 * 1024;
/** Most bytes of one completion: what a gRPC message holds, with room for the rest of the batch. */
export const COMPLETION_BYTES_MAX = 4 * 1024 * 1024 - 64 * 1024;

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
  let bytes = 128;
  for (let level: Failure | undefined = outcome; level !== undefined; level = level.cause) {
    bytes += 3 * (level.type.length + level.message.length + level.stackTrace.length) + (level.details?.data.length ?? 0) + 128;
  }
  return bytes;
}

/** Size of a workflow task's result on the wire, from above. */
export function completionBytes(result: WorkflowTaskResult): number {
  let bytes = result.taskToken.length + 64;
  for (const command of result.commands) bytes += commandBytes(command);
  if (result.failure !== undefined) bytes += outcomeBytes(result.failure);
  return bytes;
}

function commandBytes({ key, kind }: Command): number {
  const bytes = 3 * key.length + 512;
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
      return bytes + 3 * (message?.content?.text.length ?? 0) + (message?.content?.data?.data.length ?? 0) + 32 * 1024 * Number(hasAttributes(message?.content?.attributes));
    }
    case "requestApproval":
      return bytes + 3 * kind.value.title.length + (kind.value.details?.data.length ?? 0) + (kind.value.arguments?.data.length ?? 0);
    case "handOff":
      return bytes + 3 * kind.value.reason.length + (kind.value.context?.data.length ?? 0);
    case "setState":
      return bytes + (kind.value.value?.data.length ?? 0);
    case "completeRun":
      return bytes + (kind.value.result?.data.length ?? 0);
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
