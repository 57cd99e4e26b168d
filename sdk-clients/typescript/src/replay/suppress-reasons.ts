/** Why messages never left, as the journal and failures name it. */

import { SuppressReason as PbReason } from "../gen/everturn/v1/event_pb.js";
import type { SuppressReason } from "../suppress-reason.js";

const REASONS: Readonly<Record<number, SuppressReason>> = {
  [PbReason.TURN_SUPERSEDED]: "turnSuperseded",
  [PbReason.CONVERSATION_CLOSED]: "conversationClosed",
  [PbReason.CONVERSATION_PAUSED]: "conversationPaused",
  [PbReason.HUMAN_OWNS]: "humanOwns",
  [PbReason.QUIET_HOURS]: "quietHours",
  [PbReason.FREQUENCY_CAP]: "frequencyCap",
  [PbReason.OPTED_OUT]: "optedOut",
};

/** Reads a reason: the number of the API, or its name. */
export function suppressReason(reason: unknown): SuppressReason {
  const number = typeof reason === "string" ? PbReason[reason as keyof typeof PbReason] : reason;
  return REASONS[number as number] ?? "turnSuperseded";
}
