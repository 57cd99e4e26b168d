/** How far the delivery of a message has come. */

import { toDate } from "./duration.js";
import { type DeliveryState as PbDeliveryState, DeliveryStatus as PbStatus } from "./gen/everturn/v1/message_pb.js";

/**
 * How far a delivery has come. `accepted`: the provider took it; `failed`: it will not reach the
 * customer; `unknown`: its adapter was lost after it had begun, and it is not sent again.
 */
export type DeliveryStatus = "pending" | "sending" | "accepted" | "delivered" | "read" | "failed" | "unknown";

/** The delivery of a message by the adapter of its channel. */
export interface DeliveryState {
  readonly status: DeliveryStatus;
  /** Channel that it goes out by: not the message's, if that could not deliver it. */
  readonly channel: string;
  /** Address it goes to. */
  readonly address: string;
  /** Id that the provider gave it; empty while it is not known. */
  readonly providerMessageId: string;
  /** Number of the current or last attempt, from 1; 0 before the first. */
  readonly attempt: number;
  /** Why it failed or is unknown, or what the provider said. */
  readonly detail: string;
  readonly updateTime: Date | undefined;
}

const STATUSES: readonly (readonly [PbStatus, DeliveryStatus])[] = [
  [PbStatus.PENDING, "pending"],
  [PbStatus.SENDING, "sending"],
  [PbStatus.ACCEPTED, "accepted"],
  [PbStatus.DELIVERED, "delivered"],
  [PbStatus.READ, "read"],
  [PbStatus.FAILED, "failed"],
  [PbStatus.UNKNOWN, "unknown"],
];

/** Reads a status; `undefined` if the message is not delivered by an adapter. */
export function fromPbDeliveryStatus(status: PbStatus): DeliveryStatus | undefined {
  return STATUSES.find(([pb]) => pb === status)?.[1];
}

/** Writes a status. */
export function toPbDeliveryStatus(status: DeliveryStatus): PbStatus {
  return STATUSES.find(([, name]) => name === status)?.[0] ?? PbStatus.UNSPECIFIED;
}

/** Reads a delivery that may be absent. */
export function fromPbDeliveryState(state: PbDeliveryState | undefined): DeliveryState | undefined {
  const status = state === undefined ? undefined : fromPbDeliveryStatus(state.status);
  if (state === undefined || status === undefined) return undefined;
  return {
    status,
    channel: state.channel,
    address: state.address,
    providerMessageId: state.providerMessageId,
    attempt: state.attempt,
    detail: state.detail,
    updateTime: toDate(state.updateTime),
  };
}
