/** Why something waits, as a plain value. */

import { toDate } from "../duration.js";
import { type Wait as PbWait, WaitReason as PbReason } from "../gen/everturn/v1/waiting_pb.js";

/** Why something does not go on: the one reason that has to end first. */
export type WaitReason =
  | "noWorker" | "notRegistered" | "queued" | "worker" | "backingOff" | "paused" | "customer" | "taskFailed"
  | "taskSetApart" | "budget" | "approval" | "person" | "timer" | "signal" | "child" | "signalDelivery" | "burst" | "quietHours" | "unanswered"
  | "turnCap" | "earlierDelivery";

/** Why something waits, since when, and what would end it. */
export interface WaitInfo {
  readonly reason: WaitReason;
  readonly sinceTime: Date | undefined;
  /** When it ends by itself, if it does. */
  readonly untilTime: Date | undefined;
  /** The same in one line for people. */
  readonly text: string;
  /** What would end it, in one line for people. */
  readonly endsWith: string;
  /** Key of the step that it waits for; empty if it is none. */
  readonly key: string;
  readonly taskQueue: string;
  readonly typeName: string;
  readonly workerIdentity: string;
  readonly attempt: number;
  readonly approvalId: string;
}

const REASONS: readonly (readonly [PbReason, WaitReason])[] = [
  [PbReason.NO_WORKER, "noWorker"],
  [PbReason.NOT_REGISTERED, "notRegistered"],
  [PbReason.QUEUED, "queued"],
  [PbReason.WORKER, "worker"],
  [PbReason.BACKING_OFF, "backingOff"],
  [PbReason.PAUSED, "paused"],
  [PbReason.CUSTOMER, "customer"],
  [PbReason.TASK_FAILED, "taskFailed"],
  [PbReason.TASK_SET_APART, "taskSetApart"],
  [PbReason.BUDGET, "budget"],
  [PbReason.APPROVAL, "approval"],
  [PbReason.PERSON, "person"],
  [PbReason.TIMER, "timer"],
  [PbReason.SIGNAL, "signal"],
  [PbReason.CHILD, "child"],
  [PbReason.SIGNAL_DELIVERY, "signalDelivery"],
  [PbReason.BURST, "burst"],
  [PbReason.QUIET_HOURS, "quietHours"],
  [PbReason.UNANSWERED, "unanswered"],
  [PbReason.TURN_CAP, "turnCap"],
  [PbReason.EARLIER_DELIVERY, "earlierDelivery"],
];

/** Writes reasons for a filter. */
export function toPbReasons(reasons: readonly WaitReason[] = []): PbReason[] {
  return REASONS.filter(([, name]) => reasons.includes(name)).map(([pb]) => pb);
}

/** Reads why something waits; `undefined` if it does not, or for a reason that this version does not know. */
export function fromPbWait(wait: PbWait | undefined): WaitInfo | undefined {
  const reason = REASONS.find(([pb]) => pb === wait?.reason)?.[1];
  if (wait === undefined || reason === undefined) return undefined;
  const { text, endsWith, key, taskQueue, typeName, workerIdentity, attempt, approvalId } = wait;
  return {
    reason, sinceTime: toDate(wait.sinceTime), untilTime: toDate(wait.untilTime), text, endsWith, key, taskQueue, typeName, workerIdentity, attempt, approvalId,
  };
}
