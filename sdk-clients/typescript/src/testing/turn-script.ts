/** What a test says about the world around a run: the customer, people, events, deliveries. */

import { create } from "@bufbuild/protobuf";
import { type DeliveryStatus, toPbDeliveryStatus } from "../delivery-state.js";
import { type Duration, milliseconds, toPbTime } from "../duration.js";
import type { RequestApproval, SendMessage } from "../gen/everturn/v1/command_pb.js";
import { SuppressReason as PbReason } from "../gen/everturn/v1/event_pb.js";
import { AuthorKind, type ConversationEvent as PbEvent, ConversationEventSchema, type Message as PbMessage, MessageSchema } from "../gen/everturn/v1/message_pb.js";
import { TurnCause as PbCause, type TurnInput, TurnInputSchema } from "../gen/everturn/v1/turn_pb.js";
import { fromPbMessage, toPbContent } from "../message.js";
import { jsonConverter } from "../payload.js";
import { type ApprovalOutcome, toPbApprovalOutcome } from "../person.js";
import type { TurnCause } from "../turn.js";
import { event, type EventKind } from "./test-run.js";

/** An answer of the customer: at once, or after a while. */
export type ScriptedAnswer = string | { readonly after: Duration; readonly text: string };

/** An event, as its source sends it. */
export interface ScriptedEvent {
  readonly type: string;
  readonly payload?: unknown;
  readonly id?: string;
}

/** A decision on an approval: at once, or after a while. With `arguments` they were changed. */
export type ScriptedDecision =
  | "approve"
  | "reject"
  | { readonly decision: "approve" | "reject"; readonly arguments?: unknown; readonly decider?: string; readonly comment?: string; readonly after?: Duration };

/** How a hand-off ends: at once, or after a while. */
export interface ScriptedHandBack {
  /** Who hands it back. Default `human`. */
  readonly by?: string;
  readonly note?: string;
  /** What was written meanwhile. */
  readonly messages?: readonly { readonly from: "human" | "customer"; readonly text: string }[];
  readonly after?: Duration;
}

/** One step of a delivery: at once, or after a while. */
export type ScriptedDelivery =
  | DeliveryStatus
  | { readonly status: DeliveryStatus; readonly detail?: string; readonly after?: Duration };

/** What people do about a run. */
export interface PeopleScript {
  /** Decisions on the approvals, in the order of the requests. Default: nobody decides. */
  readonly approvals?: readonly ScriptedDecision[];
}

/** What a turn is given. */
export interface TurnScript extends PeopleScript {
  /** Why it starts. Default: `message`, or `event` if there are only events. */
  readonly cause?: TurnCause;
  /** Texts of the messages to answer. */
  readonly messages?: readonly string[];
  /** The events to handle. */
  readonly events?: readonly ScriptedEvent[];
  /** What the customer answers to the asks, in order. Default: nothing. */
  readonly answers?: readonly ScriptedAnswer[];
  /** How the hand-offs end, in order. Default: never. */
  readonly handBacks?: readonly ScriptedHandBack[];
  /** What becomes of the messages that leave, in order: one step or several. Default: nothing is heard. */
  readonly deliveries?: readonly (ScriptedDelivery | readonly ScriptedDelivery[])[];
  /** Keeps in what the turn says, as the bounds of writing first do. */
  readonly suppress?: "quietHours" | "frequencyCap";
  /** The conversation's state when the turn starts. */
  readonly state?: Readonly<Record<string, unknown>>;
  /** Number of the turn. Default 1. */
  readonly number?: number;
  /** Channel of the messages. Default `chat`. */
  readonly channel?: string;
  /** Addresses of the customer by channel. */
  readonly addresses?: Readonly<Record<string, string>>;
}

/** A reply that left. */
export interface TestReply {
  readonly text: string;
  readonly data: unknown;
  readonly channel: string;
  readonly author: string;
}

/** Something that happens after a while. */
export interface Later {
  readonly afterMs: number;
  readonly kind: EventKind;
}

const CAUSES: Readonly<Record<TurnCause, PbCause>> = {
  message: PbCause.MESSAGE,
  event: PbCause.EVENT,
  idle: PbCause.IDLE,
  customerTimeout: PbCause.CUSTOMER_TIMEOUT,
  staffTimeout: PbCause.STAFF_TIMEOUT,
  reopened: PbCause.REOPENED,
};

/** The world around one run, played from a script. */
export class ScriptedWorld {
  readonly replies: TestReply[] = [];
  readonly #answers: ScriptedAnswer[];
  readonly #approvals: ScriptedDecision[];
  readonly #handBacks: ScriptedHandBack[];
  readonly #deliveries: (ScriptedDelivery | readonly ScriptedDelivery[])[];
  readonly #channel: string;
  #messages = 0;
  #events = 0;

  constructor(
    private readonly script: TurnScript,
    private readonly nowMs: () => number,
  ) {
    this.#answers = [...(script.answers ?? [])];
    this.#approvals = [...(script.approvals ?? [])];
    this.#handBacks = [...(script.handBacks ?? [])];
    this.#deliveries = [...(script.deliveries ?? [])];
    this.#channel = script.channel ?? "chat";
  }

  /** Why messages of the turn are kept in, if they are. */
  get suppressReason(): PbReason | undefined {
    const { suppress } = this.script;
    if (suppress === undefined) return undefined;
    return suppress === "quietHours" ? PbReason.QUIET_HOURS : PbReason.FREQUENCY_CAP;
  }

  /** What the turn begins with. */
  turnInput(conversationType: string): TurnInput {
    const { messages = [], events = [], state = {}, number = 1, addresses = {} } = this.script;
    const cause = this.script.cause ?? (messages.length === 0 && events.length > 0 ? "event" : "message");
    return create(TurnInputSchema, {
      conversationId: "conversation",
      conversationType,
      number: BigInt(number),
      cause: CAUSES[cause],
      messages: messages.map((text) => this.inbound(text)),
      events: events.map((it) => this.event(it)),
      state: Object.fromEntries(Object.entries(state).map(([name, value]) => [name, jsonConverter.encode(value)])),
      replyChannel: this.#channel,
      addresses: { ...addresses },
    });
  }

  /** A message of the customer. */
  inbound(text: string, authorKind = AuthorKind.CUSTOMER): PbMessage {
    this.#messages += 1;
    return create(MessageSchema, {
      sequence: BigInt(this.#messages),
      authorKind,
      channel: this.#channel,
      content: toPbContent(text),
      createTime: toPbTime(this.nowMs()),
    });
  }

  /** An event. */
  event({ type, payload, id }: ScriptedEvent): PbEvent {
    this.#events += 1;
    return create(ConversationEventSchema, {
      sequence: BigInt(this.#events),
      eventType: type,
      eventId: id ?? "",
      payload: jsonConverter.encode(payload),
      createTime: toPbTime(this.nowMs()),
      afterMessageSequence: BigInt(this.#messages),
    });
  }

  /** The turn says something; its position, its channel, and what will be heard of its delivery. */
  outbound(key: string, message: SendMessage, conversationType: string): { sequence: number; channel: string; later: Later[] } {
    const sequence = (this.#messages += 1);
    const { text, data } = fromPbMessage(create(MessageSchema, { content: message.content ?? {} }));
    const channel = message.channel || this.#channel;
    this.replies.push({ text, data, channel, author: message.authorName || conversationType });
    const steps = this.#deliveries.shift() ?? [];
    const later: Later[] = [];
    let afterMs = 0;
    for (const step of isList(steps) ? steps : [steps]) {
      const { status, detail = "", after = 0 } = typeof step === "string" ? { status: step } : step;
      afterMs += milliseconds(after);
      later.push({
        afterMs,
        kind: event("deliveryChanged", { key, messageSequence: BigInt(sequence), status: toPbDeliveryStatus(status), detail }),
      });
    }
    return { sequence, channel, later };
  }

  /** What the customer answers. The messages are made when the time has come. */
  answer(): { afterMs: number; text: string } | undefined {
    const answer = this.#answers.shift();
    if (answer === undefined) return undefined;
    const { after, text } = typeof answer === "string" ? { after: 0, text: answer } : answer;
    return { afterMs: milliseconds(after), text };
  }

  /** What is decided about an approval; that it expires comes on top. */
  decision(key: string, request: RequestApproval): Later | undefined {
    const entry = this.#approvals.shift();
    if (entry === undefined) return undefined;
    const decision = typeof entry === "string" ? { decision: entry } : entry;
    const { decider = "human", comment = "", after = 0 } = decision;
    const changed = "arguments" in decision ? jsonConverter.encode(decision.arguments) : undefined;
    if (decision.decision === "reject") return { afterMs: milliseconds(after), kind: decided(key, "rejected", { decider, comment }) };
    const outcome = changed === undefined ? "approved" : "approvedWithChanges";
    const payload = changed ?? request.arguments;
    return { afterMs: milliseconds(after), kind: decided(key, outcome, { decider, comment, ...(payload === undefined ? {} : { arguments: payload }) }) };
  }

  /** How a hand-off ends. */
  handBack(key: string): Later | undefined {
    const entry = this.#handBacks.shift();
    if (entry === undefined) return undefined;
    const messages = (entry.messages ?? []).map(({ from, text }) =>
      this.inbound(text, from === "human" ? AuthorKind.HUMAN : AuthorKind.CUSTOMER));
    const kind = event("handedBack", { key, authorName: entry.by ?? "human", note: entry.note ?? "", messages });
    return { afterMs: milliseconds(entry.after ?? 0), kind };
  }
}

/** The end of an approval. */
export function decided(key: string, outcome: ApprovalOutcome, more: Parameters<typeof event<"approvalDecided">>[1] = {}): EventKind {
  return event("approvalDecided", { key, outcome: toPbApprovalOutcome(outcome), ...more });
}

function isList(steps: ScriptedDelivery | readonly ScriptedDelivery[]): steps is readonly ScriptedDelivery[] {
  return Array.isArray(steps);
}
