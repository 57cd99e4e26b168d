/** People in conversations: who a conversation is handed to, and who approves what. */

import { create } from "@bufbuild/protobuf";
import { ApprovalOutcome as PbOutcome } from "./gen/everturn/v1/event_pb.js";
import { type Assignee as PbAssignee, AssigneeSchema } from "./gen/everturn/v1/message_pb.js";
import type { Duration } from "./duration.js";
import type { Message } from "./message.js";

/** A person, the only one who may write then, or a team, anybody of which may. */
export type Assignee = { readonly person: string; readonly team?: never } | { readonly team: string; readonly person?: never };

/** Who takes a conversation over, and what they are told. */
export type HandOffRequest = Assignee & {
  /** Why. At most 1 KiB. */
  readonly reason?: string;
  /** What they need to know, if more than the transcript. */
  readonly context?: unknown;
};

/** The agents have the conversation again. */
export interface HandBack {
  /** Who handed it back. */
  readonly by: string;
  /** What they said to the agents. */
  readonly note: string;
  /**
   * Everything that was written meanwhile, in transcript order: the person's messages (`authorKind`
   * `"human"`) and the customer's. Those of the customer that come last and have no answer are this
   * turn's to answer.
   */
  readonly messages: readonly Message[];
}

/** What a person is asked to approve. */
export interface ApprovalRequest<Arguments> {
  /** What is asked, in one line. 1 to 1,024 bytes. */
  readonly title: string;
  /** What a person needs to decide, if more than the title. */
  readonly details?: unknown;
  /** What is approved: the arguments of what will be done. A decision is bound to them. */
  readonly arguments: Arguments;
  /** How long it may take to decide. Default: no bound. */
  readonly expires?: Duration;
  /** Name of the step within its run. Default `approval`, then `approval#2`. */
  readonly key?: string;
}

/** How an approval ended. */
export type ApprovalOutcome = "approved" | "approvedWithChanges" | "rejected" | "expired" | "withdrawn";

/** How an approval ended, and with what. */
export type ApprovalResult<Arguments> = {
  /** Who decided; empty if nobody did. */
  readonly decider: string;
  /** What they said about it. */
  readonly comment: string;
} & (
  | {
      readonly outcome: "approved" | "approvedWithChanges";
      /** What is approved: what was asked for, or the changed arguments. */
      readonly arguments: Arguments;
    }
  | { readonly outcome: "rejected" | "expired" | "withdrawn"; readonly arguments?: undefined }
);

const OUTCOMES: readonly (readonly [PbOutcome, ApprovalOutcome])[] = [
  [PbOutcome.APPROVED, "approved"],
  [PbOutcome.APPROVED_WITH_CHANGES, "approvedWithChanges"],
  [PbOutcome.REJECTED, "rejected"],
  [PbOutcome.EXPIRED, "expired"],
  [PbOutcome.WITHDRAWN, "withdrawn"],
];

/** Reads an outcome; `undefined` while there is none. */
export function fromPbApprovalOutcome(outcome: PbOutcome): ApprovalOutcome | undefined {
  return OUTCOMES.find(([pb]) => pb === outcome)?.[1];
}

/** Writes an outcome. */
export function toPbApprovalOutcome(outcome: ApprovalOutcome): PbOutcome {
  return OUTCOMES.find(([, name]) => name === outcome)?.[0] ?? PbOutcome.UNSPECIFIED;
}

/** Writes an assignee. */
export function toPbAssignee({ person, team }: Assignee): PbAssignee {
  return create(AssigneeSchema, { kind: person === undefined ? { case: "team", value: team } : { case: "person", value: person } });
}

/** Reads an assignee; absent reads as a team without a name. */
export function fromPbAssignee(assignee: PbAssignee | undefined): Assignee {
  return assignee?.kind.case === "person" ? { person: assignee.kind.value } : { team: assignee?.kind.value ?? "" };
}
