/** Approvals as plain values. */

import { toDate } from "../duration.js";
import { type Approval as PbApproval, ApprovalDecision as PbDecision, ApprovalStatus as PbStatus } from "../gen/everturn/v1/conversation_service_pb.js";
import { decodeOptional, type PayloadConverter } from "../payload.js";
import { type ApprovalOutcome, fromPbApprovalOutcome } from "../person.js";

/** Whether an approval waits for a decision. */
export type ApprovalStatus = "pending" | "ended";

/** Something that a person is asked to approve. */
export interface Approval {
  /** Id, unique in the namespace. */
  readonly approvalId: string;
  /** Workflow id of the run that asks; of the conversation itself for a budget. */
  readonly workflowId: string;
  /** Id of the conversation or workflow that the run belongs to. */
  readonly rootId: string;
  readonly status: ApprovalStatus;
  /** What is asked, in one line. */
  readonly title: string;
  /** What a person needs to decide, if more than the title. */
  readonly details: unknown;
  /** What is approved: the arguments of what will be done. */
  readonly arguments: unknown;
  /** SHA-256 of the arguments as they were written; a decision names it. */
  readonly argumentsHash: Uint8Array;
  readonly requestTime: Date | undefined;
  /** When it expires, if it does. */
  readonly expireTime: Date | undefined;
  /** How it ended, once it has. */
  readonly outcome: ApprovalOutcome | undefined;
  /** Who decided. */
  readonly decider: string;
  /** What they said about it. */
  readonly comment: string;
  readonly endTime: Date | undefined;
}

/** What a person decides. */
export type Decision = {
  /** Who decides. 1 to 256 bytes. */
  readonly decider: string;
  /** What they say about it. At most 1 KiB. */
  readonly comment?: string;
  /** Makes a repeated call safe. Default: a new id, so that retries of the client are. */
  readonly requestId?: string;
} & (
  | { readonly decision: "approve" | "reject"; readonly arguments?: undefined }
  | {
      readonly decision: "approveWithChanges";
      /** The other arguments. */
      readonly arguments: unknown;
    }
);

const DECISIONS: Readonly<Record<Decision["decision"], PbDecision>> = {
  approve: PbDecision.APPROVE,
  approveWithChanges: PbDecision.APPROVE_WITH_CHANGES,
  reject: PbDecision.REJECT,
};

/** Writes what is decided. */
export function toPbDecision(decision: Decision["decision"]): PbDecision {
  return DECISIONS[decision];
}

/** Writes a status for a filter. */
export function toPbApprovalStatus(status: ApprovalStatus | undefined): PbStatus {
  if (status === undefined) return PbStatus.UNSPECIFIED;
  return status === "pending" ? PbStatus.PENDING : PbStatus.ENDED;
}

/** Reads an approval. */
export function fromPbApproval(pb: PbApproval, converter: PayloadConverter): Approval {
  return {
    approvalId: pb.approvalId,
    workflowId: pb.workflowId,
    rootId: pb.rootId,
    status: pb.status === PbStatus.ENDED ? "ended" : "pending",
    title: pb.title,
    details: decodeOptional(converter, pb.details),
    arguments: decodeOptional(converter, pb.arguments),
    argumentsHash: pb.argumentsHash,
    requestTime: toDate(pb.requestTime),
    expireTime: toDate(pb.expireTime),
    outcome: fromPbApprovalOutcome(pb.outcome),
    decider: pb.decider,
    comment: pb.comment,
    endTime: toDate(pb.endTime),
  };
}
