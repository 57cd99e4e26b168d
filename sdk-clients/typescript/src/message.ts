/** Messages of conversations, as user code sees and writes them. */

import { type Attachment, fromPbAttachment, toPbAttachment } from "./attachment.js";
import { type DeliveryState, fromPbDeliveryState } from "./delivery-state.js";
import { fromPbTime } from "./duration.js";
import { AuthorKind, type Message as PbMessage, type MessageContent as PbContent } from "./gen/everturn/v1/message_pb.js";
import { decodeOptional, encodeBounded, jsonConverter, type PayloadConverter } from "./payload.js";

/** Who wrote a message: a customer, an agent, a person of the staff, or the platform itself. */
export type AuthorKindName = "customer" | "agent" | "human" | "system";

/** One entry of a conversation's transcript. */
export interface Message {
  /** Position in the transcript, from 1, without gaps. */
  readonly sequence: number;
  /** Who wrote it. */
  readonly authorKind: AuthorKindName;
  /** Name of the author, if known. */
  readonly authorName: string;
  /** Channel it came in by or goes out by (`"email"`, `"sms"`, `"chat"`). */
  readonly channel: string;
  /** Id that the channel's provider gave an inbound message; empty if none. */
  readonly providerMessageId: string;
  /** The text; may be empty when there are `data` or `attachments`. */
  readonly text: string;
  /** Structured content beside the text; `undefined` if there is none. */
  readonly data: unknown;
  /** Small annotations: subject, intent, language. */
  readonly attributes: Readonly<Record<string, string>>;
  /** When it became part of the conversation. */
  readonly createTime: Date;
  /** Number of the turn that wrote an agent's message; 0 for others. */
  readonly turn: number;
  /** Its delivery, if an adapter delivers it; never there in a turn's own messages. */
  readonly delivery: DeliveryState | undefined;
  /** Files that go with it. */
  readonly attachments: readonly Attachment[];
  /** A machine wrote it: an auto-reply, a bounce, or one of our own addresses. */
  readonly isAutomatic: boolean;
  /** A note: only staff and agents see it. */
  readonly isNote: boolean;
  /** Position of the message that says this instead, if this entry changes one. */
  readonly edits: number | undefined;
  /** Position of the message that was taken back, if this entry takes one back. */
  readonly retracts: number | undefined;
  /** Address of the customer that an inbound message came from; empty if it is not known. */
  readonly customerAddress: string;
  /** Where it was before its conversation was merged into this one. */
  readonly mergedFrom: MessageOrigin | undefined;
}

/** A place in the transcript of another conversation. */
export interface MessageOrigin {
  readonly conversationId: string;
  /** Position in its transcript. */
  readonly sequence: number;
}

/** What a message says. */
export interface Content {
  /** The text. May be left out when `data` or `attachments` are there. */
  readonly text?: string;
  /** Structured content beside the text (a card, a form). */
  readonly data?: unknown;
  /** Small annotations; at most 64 entries with names of 256 bytes and values of 2 KiB. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Files that go with it; at most 100. */
  readonly attachments?: readonly Attachment[];
}

const AUTHORS: Readonly<Record<number, AuthorKindName>> = {
  [AuthorKind.CUSTOMER]: "customer",
  [AuthorKind.AGENT]: "agent",
  [AuthorKind.HUMAN]: "human",
  [AuthorKind.SYSTEM]: "system",
};

/** The texts of messages, one per line. */
export function textOf(messages: readonly Message[]): string {
  return messages.map((message) => message.text).filter((text) => text !== "").join("\n");
}

/** Reads a message of the wire. */
export function fromPbMessage(message: PbMessage, converter: PayloadConverter = jsonConverter): Message {
  return {
    sequence: Number(message.sequence),
    authorKind: fromPbAuthorKind(message.authorKind),
    authorName: message.authorName,
    channel: message.channel,
    providerMessageId: message.providerMessageId,
    text: message.content?.text ?? "",
    data: decodeOptional(converter, message.content?.data),
    attributes: message.content?.attributes ?? {},
    createTime: new Date(fromPbTime(message.createTime)),
    turn: Number(message.turn),
    delivery: fromPbDeliveryState(message.delivery),
    attachments: message.content?.attachments.map(fromPbAttachment) ?? [],
    isAutomatic: message.isAutomatic,
    isNote: message.isNote,
    edits: message.change.case === "editsSequence" ? Number(message.change.value) : undefined,
    retracts: message.change.case === "retractsSequence" ? Number(message.change.value) : undefined,
    customerAddress: message.customerAddress,
    mergedFrom: message.mergedFrom && { conversationId: message.mergedFrom.conversationId, sequence: Number(message.mergedFrom.sequence) },
  };
}

/** Reads who wrote something. */
export function fromPbAuthorKind(kind: AuthorKind): AuthorKindName {
  return AUTHORS[kind] ?? "system";
}

/** Writes who wrote something. */
export function toPbAuthorKind(kind: AuthorKindName): AuthorKind {
  switch (kind) {
    case "customer":
      return AuthorKind.CUSTOMER;
    case "agent":
      return AuthorKind.AGENT;
    case "human":
      return AuthorKind.HUMAN;
    case "system":
      return AuthorKind.SYSTEM;
  }
}

/** Writes content for the wire. */
export function toPbContent(content: string | Content, converter: PayloadConverter = jsonConverter): PbContent {
  if (typeof content === "string") return { $typeName: "everturn.v1.MessageContent", text: content, attributes: {}, attachments: [] };
  return {
    $typeName: "everturn.v1.MessageContent",
    text: content.text ?? "",
    ...(content.data === undefined ? {} : { data: encodeBounded(converter, content.data, "content.data") }),
    attributes: { ...content.attributes },
    attachments: (content.attachments ?? []).map(toPbAttachment),
  };
}
