/** Conversations as plain values, and how they are read and written. */

import { fromPbOptOuts } from "../channel-policy.js";
import { type Duration, fromPbDuration, toDate } from "../duration.js";
import {
  type Conversation as PbConversation,
  ConversationStatus as PbStatus,
  type ConversationType as PbConversationType,
  type EndedTurn as PbEndedTurn,
  type FailedAddress as PbFailedAddress,
  type Handover as PbHandover,
  type Pause as PbPause,
  TurnStatus as PbTurnStatus,
} from "../gen/everturn/v1/conversation_service_pb.js";
import { failureInfo } from "../failure.js";
import type { FailureInfo } from "../failure-info.js";
import { decodeOptional, type PayloadConverter } from "../payload.js";
import { type Assignee, fromPbAssignee } from "../person.js";
import { fromPbTurnPolicy, type OptOut, type TurnPolicy } from "../policy.js";
import { fromPbUsage, type Usage } from "../usage.js";
import { fromPbWait, type WaitInfo } from "./waiting.js";
import { fromPbRunStatus, type RunStatus } from "./workflow-models.js";

/** Whether a conversation takes messages; of an erased one only counts and times are left. */
export type ConversationStatus = "open" | "closed" | "erased";

/** What the current turn of a conversation is doing. */
export type TurnStatus = "running" | "asking" | "interrupted";

/** The current turn of a conversation. */
export interface CurrentTurn {
  readonly number: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly status: TurnStatus;
  readonly startTime: Date | undefined;
}

/** How a turn ended. */
export interface EndedTurn {
  readonly number: number;
  readonly workflowId: string;
  readonly runId: string;
  /** Which attempt at its messages it was, from 1. */
  readonly attempt: number;
  readonly status: RunStatus;
  /** Why, if it did not complete; without details and causes, which its run has. */
  readonly failure: FailureInfo | undefined;
  readonly startTime: Date | undefined;
  readonly endTime: Date | undefined;
  /** It was interrupted, so that the next turn has its messages. */
  readonly isInterrupted: boolean;
  /** It sent a message. */
  readonly hasReplied: boolean;
  /** Why no reply was needed, if its code said so; else empty. */
  readonly noReplyReason: string;
}

/** A pause. */
export interface Pause {
  readonly reason: string;
  readonly pauseTime: Date | undefined;
}

/** A person or team owns the conversation. */
export interface Handover {
  readonly assignee: Assignee;
  readonly reason: string;
  /** What they need to know, if the code said so. */
  readonly context: unknown;
  readonly handOffTime: Date | undefined;
  /** Which handover of the conversation it is, from 1: also a change of the assignee is one. */
  readonly handoffEpoch: number;
  /** A person has written since. */
  readonly isTaken: boolean;
}

/** An address that does not take messages. */
export interface FailedAddress {
  readonly address: string;
  /** What the provider said. */
  readonly detail: string;
  readonly failTime: Date | undefined;
}

/** What conversations of a type begin with, and how long they are kept. */
export interface ConversationTypeSettings {
  readonly turnPolicy?: TurnPolicy;
  /** How long a closed conversation is kept before it is erased. Default: for ever. */
  readonly retention?: Duration;
}

/** A conversation, without its transcript. */
export interface ConversationInfo {
  readonly conversationId: string;
  readonly conversationType: string;
  readonly status: ConversationStatus;
  readonly taskQueue: string;
  /** Channel of the last inbound message. */
  readonly replyChannel: string;
  readonly messageCount: number;
  /** Number of inbound messages that no turn has taken yet. */
  readonly waitingMessageCount: number;
  /** Number of events that no turn has taken yet. */
  readonly waitingEventCount: number;
  readonly turnCount: number;
  /** The current turn, if one is running. */
  readonly turn: CurrentTurn | undefined;
  /** State written by the conversation's code. Empty in lists. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly turnPolicy: TurnPolicy;
  /** Set while it is paused. */
  readonly pause: Pause | undefined;
  /** Set while a person or team owns it. */
  readonly handover: Handover | undefined;
  /** Addresses by channel. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What the customer does not want, by channel. */
  readonly optOuts: Readonly<Record<string, OptOut>>;
  /** Addresses that do not take messages, by channel: until the customer writes from there, or the address changes. */
  readonly failedAddresses: Readonly<Record<string, FailedAddress>>;
  /** What its activities have used so far. */
  readonly usage: Usage;
  /** What its current or last turn has used. */
  readonly turnUsage: Usage;
  /** Its budget is used up: activities wait for the approval that was requested. */
  readonly isBudgetReached: boolean;
  /** Why it waits; `undefined` if it does not. */
  readonly wait: WaitInfo | undefined;
  /**
   * Since when the customer has no answer: the time of the oldest message that no reply answered, and
   * of which no code said that it needs none. `undefined` if everything is answered.
   */
  readonly unansweredSinceTime: Date | undefined;
  /** Number of messages that failed turns have left to the next one. */
  readonly unansweredMessageCount: number;
  /** How the last turn ended; `undefined` before the first one did. */
  readonly lastTurn: EndedTurn | undefined;
  /** Number of runs it had; only of an erased one. */
  readonly erasedRunCount: number;
  /** Id of the conversation that it was merged into, if it was. */
  readonly mergedIntoConversationId: string | undefined;
  readonly createTime: Date | undefined;
  readonly updateTime: Date | undefined;
}

const STATUSES: readonly (readonly [PbStatus, ConversationStatus])[] = [
  [PbStatus.OPEN, "open"],
  [PbStatus.CLOSED, "closed"],
  [PbStatus.ERASED, "erased"],
];
const TURN_STATUSES: Readonly<Record<number, TurnStatus>> = {
  [PbTurnStatus.RUNNING]: "running",
  [PbTurnStatus.ASKING]: "asking",
  [PbTurnStatus.INTERRUPTED]: "interrupted",
};

/** Writes a status for a filter. */
export function toPbStatus(status: ConversationStatus | undefined): PbStatus {
  return STATUSES.find(([, name]) => name === status)?.[0] ?? PbStatus.UNSPECIFIED;
}

/** Reads a conversation. */
export function fromPbConversation(pb: PbConversation, converter: PayloadConverter): ConversationInfo {
  const { turn } = pb;
  return {
    conversationId: pb.conversationId,
    conversationType: pb.conversationType,
    status: STATUSES.find(([status]) => status === pb.status)?.[1] ?? "open",
    taskQueue: pb.taskQueue,
    replyChannel: pb.replyChannel,
    messageCount: Number(pb.messageCount),
    waitingMessageCount: pb.waitingMessageCount,
    waitingEventCount: pb.waitingEventCount,
    turnCount: Number(pb.turnCount),
    turn: turn && {
      number: Number(turn.number),
      workflowId: turn.workflowId,
      runId: turn.runId,
      status: TURN_STATUSES[turn.status] ?? "running",
      startTime: toDate(turn.startTime),
    },
    state: Object.fromEntries(Object.entries(pb.state).map(([name, value]) => [name, converter.decode(value)])),
    labels: pb.labels,
    turnPolicy: fromPbTurnPolicy(pb.turnPolicy),
    pause: fromPbPause(pb.pause),
    handover: fromPbHandover(pb.handover, converter),
    addresses: pb.addresses,
    optOuts: fromPbOptOuts(pb.optOuts),
    failedAddresses: Object.fromEntries(Object.entries(pb.failedAddresses).map(([channel, it]) => [channel, fromPbFailedAddress(it)])),
    usage: fromPbUsage(pb.usage),
    turnUsage: fromPbUsage(pb.turnUsage),
    isBudgetReached: pb.budgetReached,
    wait: fromPbWait(pb.wait),
    unansweredSinceTime: toDate(pb.unansweredSinceTime),
    unansweredMessageCount: pb.unansweredMessageCount,
    lastTurn: fromPbEndedTurn(pb.lastTurn, converter),
    erasedRunCount: Number(pb.erasedRunCount),
    mergedIntoConversationId: pb.mergedIntoConversationId === "" ? undefined : pb.mergedIntoConversationId,
    createTime: toDate(pb.createTime),
    updateTime: toDate(pb.updateTime),
  };
}

function fromPbEndedTurn(turn: PbEndedTurn | undefined, converter: PayloadConverter): EndedTurn | undefined {
  return turn && {
    number: Number(turn.number),
    workflowId: turn.workflowId,
    runId: turn.runId,
    attempt: turn.attempt,
    status: fromPbRunStatus(turn.status),
    failure: turn.failure && failureInfo(turn.failure, converter),
    startTime: toDate(turn.startTime),
    endTime: toDate(turn.endTime),
    isInterrupted: turn.interrupted,
    hasReplied: turn.replied,
    noReplyReason: turn.noReplyReason,
  };
}

function fromPbFailedAddress({ address, detail, failTime }: PbFailedAddress): FailedAddress {
  return { address, detail, failTime: toDate(failTime) };
}

/** Reads a pause that may be absent. */
export function fromPbPause(pause: PbPause | undefined): Pause | undefined {
  return pause === undefined ? undefined : { reason: pause.reason, pauseTime: toDate(pause.pauseTime) };
}

/** Reads a handover that may be absent. */
export function fromPbHandover(handover: PbHandover | undefined, converter: PayloadConverter): Handover | undefined {
  if (handover === undefined) return undefined;
  const { assignee, reason, context, handOffTime, handoffEpoch, isTaken } = handover;
  return {
    assignee: fromPbAssignee(assignee),
    reason,
    context: decodeOptional(converter, context),
    handOffTime: toDate(handOffTime),
    handoffEpoch: Number(handoffEpoch),
    isTaken,
  };
}

/** Reads the status of a turn; `undefined`: it ended. */
export function fromPbTurnStatus(status: PbTurnStatus): TurnStatus | undefined {
  return TURN_STATUSES[status];
}

/** Reads what conversations of a type begin with. */
export function fromPbConversationType(pb: PbConversationType | undefined): ConversationTypeSettings {
  const retention = pb?.retention;
  return {
    turnPolicy: fromPbTurnPolicy(pb?.turnPolicy),
    ...(retention === undefined ? {} : { retention: fromPbDuration(retention) }),
  };
}
