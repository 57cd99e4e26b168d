/** Conversations as plain values, and how they are read and written. */

import { create } from "@bufbuild/protobuf";
import { type Duration, fromPbDuration, toDate, toPbDuration } from "../duration.js";
import {
  type Conversation as PbConversation,
  ConversationStatus as PbStatus,
  TurnStatus as PbTurnStatus,
  type WatchConversationResponse,
} from "../gen/everturn/v1/conversation_service_pb.js";
import { OnBusy as PbOnBusy, type TurnPolicy as PbTurnPolicy, TurnPolicySchema } from "../gen/everturn/v1/policy_pb.js";
import { fromPbMessage, type Message } from "../message.js";
import type { PayloadConverter } from "../payload.js";

/** Whether a conversation takes messages. */
export type ConversationStatus = "open" | "closed";

/** What the current turn of a conversation is doing. */
export type TurnStatus = "running" | "asking" | "interrupted";

/**
 * What a message does to a turn that is running: wait for the next turn, interrupt it, or be
 * delivered into it.
 */
export type OnBusy = "QUEUE" | "INTERRUPT" | "STEER";

/** How the messages of a conversation become turns. */
export interface TurnPolicy {
  /** How bursts are collected. */
  readonly debounce?: {
    /** A turn starts when no message came for this long. Default: at once; at most 1 h. */
    readonly quiet?: Duration;
    /** A turn starts at the latest this long after the first message. Default 10 times `quiet`; at most 24 h. */
    readonly maxWait?: Duration;
    /** A turn starts at once when this many wait. Default 0: no such bound; at most 1,000. */
    readonly maxMessages?: number;
  };
  /** What a message does to a turn that is running. Default `QUEUE`. */
  readonly onBusy?: OnBusy;
  /** How long an interrupted turn may clean up. Default 10 s; at most 10 min. */
  readonly interruptGrace?: Duration;
}

/** The current turn of a conversation. */
export interface CurrentTurn {
  readonly number: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly status: TurnStatus;
  readonly startTime: Date | undefined;
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
  readonly turnCount: number;
  /** The current turn, if one is running. */
  readonly turn: CurrentTurn | undefined;
  /** State written by the conversation's code. Empty in lists. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly turnPolicy: TurnPolicy;
  readonly createTime: Date | undefined;
  readonly updateTime: Date | undefined;
}

/** What happened to a conversation that is watched. */
export type ConversationUpdate =
  | { readonly type: "message"; readonly message: Message }
  /** Everything up to the present was handed out; what follows is new. */
  | { readonly type: "caught up" }
  /** The current turn changed; without a status it ended. */
  | { readonly type: "turn"; readonly number: number; readonly status: TurnStatus | undefined }
  /** Changes of turns were left out because the watcher read too slowly; messages never are. */
  | { readonly type: "lagged"; readonly skippedCount: number }
  /** The last update. */
  | { readonly type: "closed"; readonly reason: string };

const TURN_STATUSES: Readonly<Record<number, TurnStatus>> = {
  [PbTurnStatus.RUNNING]: "running",
  [PbTurnStatus.ASKING]: "asking",
  [PbTurnStatus.INTERRUPTED]: "interrupted",
};

/** Writes a status for a filter. */
export function toPbStatus(status: ConversationStatus | undefined): PbStatus {
  if (status === undefined) return PbStatus.UNSPECIFIED;
  return status === "open" ? PbStatus.OPEN : PbStatus.CLOSED;
}

/** Writes a policy for the wire. */
export function toPbTurnPolicy(policy: TurnPolicy): PbTurnPolicy {
  const { debounce, onBusy, interruptGrace } = policy;
  return create(TurnPolicySchema, {
    onBusy: PbOnBusy[onBusy ?? "UNSPECIFIED"],
    ...(interruptGrace === undefined ? {} : { interruptGrace: toPbDuration(interruptGrace) }),
    ...(debounce === undefined
      ? {}
      : {
          debounce: {
            ...(debounce.quiet === undefined ? {} : { quiet: toPbDuration(debounce.quiet) }),
            ...(debounce.maxWait === undefined ? {} : { maxWait: toPbDuration(debounce.maxWait) }),
            maxMessages: debounce.maxMessages ?? 0,
          },
        }),
  });
}

/** Reads a conversation. */
export function fromPbConversation(pb: PbConversation, converter: PayloadConverter): ConversationInfo {
  const { turn } = pb;
  return {
    conversationId: pb.conversationId,
    conversationType: pb.conversationType,
    status: pb.status === PbStatus.CLOSED ? "closed" : "open",
    taskQueue: pb.taskQueue,
    replyChannel: pb.replyChannel,
    messageCount: Number(pb.messageCount),
    waitingMessageCount: pb.waitingMessageCount,
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
    createTime: toDate(pb.createTime),
    updateTime: toDate(pb.updateTime),
  };
}

/** Reads an update of a watch; `undefined` for a kind that this version does not know. */
export function fromPbUpdate({ update }: WatchConversationResponse, converter: PayloadConverter): ConversationUpdate | undefined {
  switch (update.case) {
    case "message":
      return { type: "message", message: fromPbMessage(update.value, converter) };
    case "caughtUp":
      return { type: "caught up" };
    case "turnChanged":
      return { type: "turn", number: Number(update.value.number), status: TURN_STATUSES[update.value.status] };
    case "lagged":
      return { type: "lagged", skippedCount: Number(update.value.skippedCount) };
    case "closed":
      return { type: "closed", reason: update.value.reason };
    default:
      return undefined;
  }
}

function fromPbTurnPolicy(policy: PbTurnPolicy | undefined): TurnPolicy {
  if (policy === undefined) return {};
  const names: Readonly<Record<number, OnBusy>> = {
    [PbOnBusy.INTERRUPT]: "INTERRUPT",
    [PbOnBusy.STEER]: "STEER",
  };
  return {
    onBusy: names[policy.onBusy] ?? "QUEUE",
    interruptGrace: fromPbDuration(policy.interruptGrace),
    debounce: {
      quiet: fromPbDuration(policy.debounce?.quiet),
      maxWait: fromPbDuration(policy.debounce?.maxWait),
      maxMessages: policy.debounce?.maxMessages ?? 0,
    },
  };
}
