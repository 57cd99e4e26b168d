/** Decodes the events that workers get all the time: turns that begin, activities that completed. */

import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { DurationSchema, type Timestamp } from "@bufbuild/protobuf/wkt";
import { type ActivityCompleted, type HistoryEvent, HistoryEventSchema, type RunStarted } from "../gen/everturn/v1/event_pb.js";
import { AttachmentSchema, AuthorKind, ConversationEventSchema, DeliveryStateSchema, type Message, type MessageContent, MessageOriginSchema, UsageSchema } from "../gen/everturn/v1/message_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { InterruptedTurnsSchema, TurnCause, type TurnInput } from "../gen/everturn/v1/turn_pb.js";
import { UnexpectedWireError, WireReader } from "./wire-reader.js";

/** Fields of `HistoryEvent` that are read here. */
const RUN_STARTED = 3;
const ACTIVITY_COMPLETED = 15;

/** Bytes that are not there. */
export const EMPTY = new Uint8Array(0);

/** Decodes an event; of a kind that is rare, with `fromBinary`. */
export function historyEvent(bytes: Buffer): HistoryEvent {
  const reader = new WireReader(bytes);
  const event: HistoryEvent = { $typeName: "everturn.v1.HistoryEvent", id: 0n, kind: { case: undefined } };
  while (reader.next()) {
    if (reader.field === 1) event.id = BigInt(reader.uint());
    else if (reader.field === 2) event.time = timestamp(reader);
    else if (reader.field === ACTIVITY_COMPLETED) event.kind = { case: "activityCompleted", value: activityCompleted(reader) };
    else if (reader.field === RUN_STARTED) event.kind = { case: "runStarted", value: runStarted(reader) };
    else return fromBinary(HistoryEventSchema, bytes);
  }
  return event;
}

/** Decodes a payload. */
export function payload(reader: WireReader): Payload {
  const outer = reader.enter();
  const value: Payload = { $typeName: "everturn.v1.Payload", data: EMPTY, contentType: "" };
  while (reader.next()) {
    if (reader.field === 1) value.data = reader.bytes();
    else if (reader.field === 2) value.contentType = reader.text();
    else throw new UnexpectedWireError();
  }
  reader.leave(outer);
  return value;
}

/** Decodes a time. */
export function timestamp(reader: WireReader): Timestamp {
  const outer = reader.enter();
  const value: Timestamp = { $typeName: "google.protobuf.Timestamp", seconds: 0n, nanos: 0 };
  while (reader.next()) {
    if (reader.field === 1) value.seconds = BigInt(reader.uint());
    else if (reader.field === 2) value.nanos = reader.uint();
    else throw new UnexpectedWireError();
  }
  reader.leave(outer);
  return value;
}

/** Decodes a message that is rare. */
export function rare<Desc extends DescMessage>(schema: Desc, reader: WireReader): MessageShape<Desc> {
  return fromBinary(schema, reader.bytes());
}

function activityCompleted(reader: WireReader): ActivityCompleted {
  const outer = reader.enter();
  const event: ActivityCompleted = { $typeName: "everturn.v1.ActivityCompleted", key: "", attempt: 0 };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        event.key = reader.text();
        break;
      case 2:
        event.result = payload(reader);
        break;
      case 3:
        event.attempt = reader.uint();
        break;
      case 4:
        event.usage = rare(UsageSchema, reader);
        break;
      default:
        throw new UnexpectedWireError();
    }
  }
  reader.leave(outer);
  return event;
}

function runStarted(reader: WireReader): RunStarted {
  const outer = reader.enter();
  const event: RunStarted = { $typeName: "everturn.v1.RunStarted", workflowType: "", taskQueue: "", parentWorkflowId: "" };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        event.workflowType = reader.text();
        break;
      case 2:
        event.taskQueue = reader.text();
        break;
      case 3:
        event.input = payload(reader);
        break;
      case 4:
        event.turn = turnInput(reader);
        break;
      case 5:
        event.parentWorkflowId = reader.text();
        break;
      case 6:
        event.executionTimeout = rare(DurationSchema, reader);
        break;
      default:
        throw new UnexpectedWireError();
    }
  }
  reader.leave(outer);
  return event;
}

function turnInput(reader: WireReader): TurnInput {
  const outer = reader.enter();
  const turn: TurnInput = {
    $typeName: "everturn.v1.TurnInput",
    conversationId: "",
    conversationType: "",
    number: 0n,
    cause: TurnCause.UNSPECIFIED,
    messages: [],
    recent: [],
    state: {},
    replyChannel: "",
    events: [],
    addresses: {},
    attempt: 0,
    stateVersions: {},
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        turn.conversationId = reader.text();
        break;
      case 2:
        turn.conversationType = reader.text();
        break;
      case 3:
        turn.number = BigInt(reader.uint());
        break;
      case 4:
        turn.cause = number<TurnCause>(reader);
        break;
      case 5:
        turn.messages.push(message(reader));
        break;
      case 6:
        turn.recent.push(message(reader));
        break;
      case 7:
        entry(reader, turn.state, payload);
        break;
      case 8:
        turn.replyChannel = reader.text();
        break;
      case 9:
        turn.events.push(rare(ConversationEventSchema, reader));
        break;
      case 10:
        entry(reader, turn.addresses, text);
        break;
      case 11:
        turn.attempt = reader.uint();
        break;
      case 12:
        turn.interrupted = rare(InterruptedTurnsSchema, reader);
        break;
      case 13:
        entry(reader, turn.stateVersions, version);
        break;
      default:
        throw new UnexpectedWireError();
    }
  }
  reader.leave(outer);
  return turn;
}

function message(reader: WireReader): Message {
  const outer = reader.enter();
  const value: Message = {
    $typeName: "everturn.v1.Message",
    sequence: 0n,
    authorKind: AuthorKind.UNSPECIFIED,
    authorName: "",
    channel: "",
    providerMessageId: "",
    turn: 0n,
    isAutomatic: false,
    isNote: false,
    change: { case: undefined },
    customerAddress: "",
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        value.sequence = BigInt(reader.uint());
        break;
      case 2:
        value.authorKind = number<AuthorKind>(reader);
        break;
      case 3:
        value.authorName = reader.text();
        break;
      case 4:
        value.channel = reader.text();
        break;
      case 5:
        value.providerMessageId = reader.text();
        break;
      case 6:
        value.content = messageContent(reader);
        break;
      case 7:
        value.createTime = timestamp(reader);
        break;
      case 8:
        value.turn = BigInt(reader.uint());
        break;
      case 9:
        value.delivery = rare(DeliveryStateSchema, reader);
        break;
      case 10:
        value.isAutomatic = reader.uint() !== 0;
        break;
      case 11:
        value.isNote = reader.uint() !== 0;
        break;
      case 12:
        value.change = { case: "editsSequence", value: BigInt(reader.uint()) };
        break;
      case 13:
        value.change = { case: "retractsSequence", value: BigInt(reader.uint()) };
        break;
      case 14:
        value.customerAddress = reader.text();
        break;
      case 15:
        value.mergedFrom = rare(MessageOriginSchema, reader);
        break;
      default:
        throw new UnexpectedWireError();
    }
  }
  reader.leave(outer);
  return value;
}

function messageContent(reader: WireReader): MessageContent {
  const outer = reader.enter();
  const content: MessageContent = { $typeName: "everturn.v1.MessageContent", text: "", attributes: {}, attachments: [] };
  while (reader.next()) {
    if (reader.field === 1) content.text = reader.text();
    else if (reader.field === 2) content.data = payload(reader);
    else if (reader.field === 3) entry(reader, content.attributes, text);
    else if (reader.field === 4) content.attachments.push(rare(AttachmentSchema, reader));
    else throw new UnexpectedWireError();
  }
  reader.leave(outer);
  return content;
}

/** An entry of a map: key and value are both written, also if they are empty. */
function entry<T>(reader: WireReader, into: Record<string, T>, read: (reader: WireReader) => T): void {
  const outer = reader.enter();
  let key: string | undefined;
  let value: T | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) value = read(reader);
    else throw new UnexpectedWireError();
  }
  reader.leave(outer);
  // A default that was left out, and the one key that is no key of plain objects, are for others.
  if (key === undefined || value === undefined || key === "__proto__") throw new UnexpectedWireError();
  into[key] = value;
}

function text(reader: WireReader): string {
  return reader.text();
}

function version(reader: WireReader): bigint {
  return BigInt(reader.uint());
}

/** A value of an enum; of a newer server, one that has no name here. */
function number<Enum extends number>(reader: WireReader): Enum {
  return reader.uint() as Enum;
}
