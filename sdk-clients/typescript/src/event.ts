/** Events: what happened outside and concerns a conversation (an order is late, a cart was abandoned). */

import { checkName } from "./activity.js";
import { fromPbTime } from "./duration.js";
import type { ConversationEvent as PbEvent } from "./gen/everturn/v1/message_pb.js";
import { decodeOptional, type PayloadConverter } from "./payload.js";
import { parsed, type Schema } from "./schema.js";

declare const types: unique symbol;

/** A typed name of an event. */
export interface EventType<Payload> {
  /** Type of the event, as sources send it. */
  readonly type: string;
  /** What reads its payload where it arrives. */
  readonly schema?: Schema<Payload>;
  /** Only for the type checker: never there. */
  readonly [types]?: (payload: Payload) => Payload;
}

/** One event of a conversation. */
export interface ConversationEvent<Payload = unknown> {
  /** Position among the events of the conversation, from 1, without gaps. */
  readonly sequence: number;
  /** Type of the event (`"order-delayed"`). */
  readonly type: string;
  /** Id that its source gave it; empty if none. */
  readonly id: string;
  /** What happened. */
  readonly payload: Payload;
  /** When it was accepted. */
  readonly createTime: Date;
  /** Position of the last message of the transcript when it came. */
  readonly afterMessageSequence: number;
}

/**
 * Names an event and the type of its payload, which `schema` reads where it arrives.
 *
 * @param type Type of the event. 1 to 256 bytes.
 */
export function defineEvent<Payload = unknown>(type: string, schema?: Schema<Payload>): EventType<Payload> {
  checkName("event", type);
  return schema === undefined ? { type } : { type, schema };
}

/** The event as its type reads it. */
export function readEvent<Payload>({ schema }: EventType<Payload>, event: ConversationEvent): ConversationEvent<Payload> {
  return { ...event, payload: parsed(schema, event.payload, "payload") };
}

/** Reads an event of the wire. */
export function fromPbEvent(event: PbEvent, converter: PayloadConverter): ConversationEvent {
  return {
    sequence: Number(event.sequence),
    type: event.eventType,
    id: event.eventId,
    payload: decodeOptional(converter, event.payload),
    createTime: new Date(fromPbTime(event.createTime)),
    afterMessageSequence: Number(event.afterMessageSequence),
  };
}
