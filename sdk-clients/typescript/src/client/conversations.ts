/** Calls about conversations. */

import { type DeliveryStatus, fromPbDeliveryStatus, toPbDeliveryStatus } from "../delivery-state.js";
import { type Duration, toDate, toPbDuration, toPbTime } from "../duration.js";
import { RpcError } from "../errors.js";
import type { EventType } from "../event.js";
import type { ConversationService } from "../gen/everturn/v1/conversation_service_pb.js";
import type { Stub } from "../grpc/stub.js";
import { type Content, fromPbMessage, type Message, toPbContent } from "../message.js";
import { type HandOffRequest, toPbAssignee } from "../person.js";
import { toPbTurnPolicy, type TurnPolicy } from "../policy.js";
import type { CallSettings } from "./settings.js";
import {
  type ConversationInfo,
  type ConversationStatus,
  type ConversationTypeSettings,
  fromPbConversation,
  fromPbConversationType,
  toPbStatus,
} from "./conversation-models.js";
import { pages } from "./pages.js";
import { withRetry } from "./retry.js";
import { type ConversationUpdate, watchConversation, type WatchOptions } from "./watch.js";
import { toPbReasons, type WaitReason } from "./waiting.js";

/** What a list of conversations is restricted to. */
export interface ConversationFilter {
  readonly conversationType?: string;
  readonly status?: ConversationStatus;
  /** Only those that wait for one of these reasons. */
  readonly waiting?: readonly WaitReason[];
  /** Only those whose customer has had no answer since before this time. */
  readonly unansweredBefore?: Date;
  /** Entries fetched at a time. Default: the server's. */
  readonly pageSize?: number;
}

/** What a customer's message comes with. */
export interface SubmitOptions {
  /** Channel the message came in by. Default `chat`. */
  readonly channel?: string;
  /**
   * Id that the channel's provider gave the message. Strongly recommended: a repeated message with
   * the same id gets the first answer. Default: a new id for each call.
   */
  readonly providerMessageId?: string;
  /** Type of the conversation. Required when it opens; if given later it must be the same. */
  readonly conversationType?: string;
  /** Name of the customer, if known. */
  readonly authorName?: string;
  /** Task queue of the conversation's turns; used when it opens. Default `default`. */
  readonly taskQueue?: string;
  /** How messages become turns; used when it opens. */
  readonly turnPolicy?: TurnPolicy;
  /** Labels; used when it opens. At most 64. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Address of the customer on this channel, if replies are to be delivered by an adapter
   * (`"jo@example.org"`). Kept for the conversation.
   */
  readonly customerAddress?: string;
}

/** A message that was accepted. */
export interface SubmittedMessage {
  /** Position in the transcript. */
  readonly sequence: number;
  readonly acceptTime: Date | undefined;
}

/** What an event comes with. */
export interface SubmitEventOptions {
  /**
   * Id of the event. Strongly recommended: a repeated event with the same id gets the first answer.
   * Default: a new id for each call.
   */
  readonly eventId?: string;
  /** Type of the conversation. Required when it opens; if given later it must be the same. */
  readonly conversationType?: string;
  /** Task queue of the conversation's turns; used when it opens. Default `default`. */
  readonly taskQueue?: string;
  /** How messages become turns; used when it opens. */
  readonly turnPolicy?: TurnPolicy;
  /** Labels; used when it opens. At most 64. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Addresses of the customer by channel; added to those that are known. At most 16. */
  readonly addresses?: Readonly<Record<string, string>>;
  /** Channel that the agents write by; used when it opens. */
  readonly replyChannel?: string;
}

/** An event that was accepted. */
export interface SubmittedEvent {
  /** Position among the events of the conversation. */
  readonly sequence: number;
  readonly acceptTime: Date | undefined;
}

/** What is to change; what is left out stays as it is. */
export interface ConversationChanges {
  /** Labels to set; an empty value removes a label. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Addresses to set, by channel; an empty value removes one. */
  readonly addresses?: Readonly<Record<string, string>>;
  /** What is set replaces what is in force. A timeout, budget or cap of 0 is removed. */
  readonly turnPolicy?: TurnPolicy;
  /** Channel that replies go out by, until the customer writes by another one. */
  readonly replyChannel?: string;
  /** Type of its turns from here on. */
  readonly conversationType?: string;
  /** Task queue of its turns from here on. */
  readonly taskQueue?: string;
}

/** A person's message, as it was taken. */
export interface SentHumanMessage {
  /** Position in the transcript. */
  readonly sequence: number;
  /** The message took the conversation over from the agents. */
  readonly tookOver: boolean;
  /** It is one that an adapter of the conversation has sent. */
  readonly isEcho: boolean;
}

/** Who writes, and how. */
export interface HumanMessageOptions {
  /** Name of the person. */
  readonly authorName: string;
  /** Channel to send it by. Default: the reply channel. */
  readonly channel?: string;
  /** Makes a repeated call safe. Default: a new id for each call. */
  readonly requestId?: string;
  /** Position of the last message that the person has seen: what came after it is not answered. Default: everything is. */
  readonly seenThrough?: number;
  /**
   * The customer has the message already, under this id of the provider: it was written elsewhere, is noted
   * and not delivered.
   */
  readonly alreadySent?: { readonly providerMessageId: string };
}

/** Customers' messages in, replies out. */
export class ConversationClient {
  constructor(
    private readonly stub: Stub<typeof ConversationService>,
    private readonly settings: CallSettings,
  ) {}

  /** Adds a customer's message and opens the conversation if there is none. Durable when answered. */
  async submitMessage(conversationId: string, content: string | Content, options: SubmitOptions = {}): Promise<SubmittedMessage> {
    const { namespace, converter } = this.settings;
    const request = {
      namespace,
      conversationId,
      conversationType: options.conversationType ?? "",
      channel: options.channel ?? "chat",
      providerMessageId: options.providerMessageId ?? crypto.randomUUID(),
      authorName: options.authorName ?? "",
      customerAddress: options.customerAddress ?? "",
      content: toPbContent(content, converter),
      taskQueue: options.taskQueue ?? "",
      labels: { ...options.labels },
      ...(options.turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(options.turnPolicy) }),
    };
    const response = await this.#call((call) => this.stub.submitMessage(request, call));
    return { sequence: Number(response.messageSequence), acceptTime: toDate(response.acceptTime) };
  }

  /** Adds an event and opens the conversation if there is none. Durable when answered. May start a turn. */
  async submitEvent<Payload>(
    conversationId: string,
    event: string | EventType<Payload>,
    payload: NoInfer<Payload>,
    options: SubmitEventOptions = {},
  ): Promise<SubmittedEvent> {
    const { namespace, converter } = this.settings;
    const request = {
      namespace,
      conversationId,
      conversationType: options.conversationType ?? "",
      eventType: typeof event === "string" ? event : event.type,
      eventId: options.eventId ?? crypto.randomUUID(),
      payload: converter.encode(payload),
      taskQueue: options.taskQueue ?? "",
      labels: { ...options.labels },
      addresses: { ...options.addresses },
      replyChannel: options.replyChannel ?? "",
      ...(options.turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(options.turnPolicy) }),
    };
    const response = await this.#call((call) => this.stub.submitEvent(request, call));
    return { sequence: Number(response.eventSequence), acceptTime: toDate(response.acceptTime) };
  }

  /** Reads one conversation, exactly as of now. */
  async get(conversationId: string): Promise<ConversationInfo> {
    const { conversation } = await this.#call((call) => this.stub.getConversation(this.#target(conversationId), call));
    return fromPbConversation(present(conversation), this.settings.converter);
  }

  /** Lists conversations, last created first. May lag behind by about a second. */
  list(options: ConversationFilter = {}): AsyncIterableIterator<ConversationInfo> {
    const { namespace, converter } = this.settings;
    return pages(async (pageToken) => {
      const request = {
        namespace,
        pageToken,
        pageSize: options.pageSize ?? 0,
        conversationType: options.conversationType ?? "",
        status: toPbStatus(options.status),
        waitReasons: toPbReasons(options.waiting),
        ...(options.unansweredBefore === undefined ? {} : { unansweredBeforeTime: toPbTime(options.unansweredBefore.getTime()) }),
      };
      const page = await this.#call((call) => this.stub.listConversations(request, call));
      return { items: page.conversations.map((it) => fromPbConversation(it, converter)), next: page.nextPageToken };
    });
  }

  /** Lists the transcript, oldest first, exactly as of now. */
  listMessages(conversationId: string, options: { readonly afterSequence?: number; readonly pageSize?: number } = {}): AsyncIterableIterator<Message> {
    const { namespace, converter } = this.settings;
    return pages(async (pageToken) => {
      const afterSequence = BigInt(options.afterSequence ?? 0);
      const request = { namespace, conversationId, pageToken, pageSize: options.pageSize ?? 0, afterSequence };
      const page = await this.#call((call) => this.stub.listMessages(request, call));
      return { items: page.messages.map((it) => fromPbMessage(it, converter)), next: page.nextPageToken };
    });
  }

  /**
   * Follows a conversation: first the transcript after a position, then everything new. When the
   * connection breaks it goes on after the last message, and in each partial output after the last
   * piece, that it handed out. Ends after `closed`.
   */
  watch(conversationId: string, options: WatchOptions = {}): AsyncGenerator<ConversationUpdate, void, undefined> {
    return watchConversation(this.stub, this.settings, conversationId, options);
  }

  /** Changes labels, addresses, policy or reply channel, also while a turn is running. Gives the conversation as it is now. */
  async update(conversationId: string, changes: ConversationChanges): Promise<ConversationInfo> {
    const { converter } = this.settings;
    const request = {
      ...this.#target(conversationId),
      labels: { ...changes.labels },
      addresses: { ...changes.addresses },
      replyChannel: changes.replyChannel ?? "",
      conversationType: changes.conversationType ?? "",
      taskQueue: changes.taskQueue ?? "",
      ...(changes.turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(changes.turnPolicy) }),
    };
    const { conversation } = await this.#call((call) => this.stub.updateConversation(request, call));
    return fromPbConversation(present(conversation), converter);
  }

  /** Pauses a conversation: nothing of it is dispatched, everything that arrives is kept. */
  async pause(conversationId: string, options: { readonly reason?: string } = {}): Promise<void> {
    const request = { ...this.#target(conversationId), reason: options.reason ?? "" };
    await this.#call((call) => this.stub.pauseConversation(request, call));
  }

  /** Resumes a paused conversation where it stood. */
  async resume(conversationId: string): Promise<void> {
    await this.#call((call) => this.stub.resumeConversation(this.#target(conversationId), call));
  }

  /**
   * Hands a conversation to a person or a team: a running turn is interrupted, agents are silent. Gives the
   * number of the handover.
   */
  async handOff(conversationId: string, request: HandOffRequest): Promise<{ readonly handoffEpoch: number }> {
    const { reason = "", context } = request;
    const pb = {
      ...this.#target(conversationId),
      assignee: toPbAssignee(request),
      reason,
      ...(context === undefined ? {} : { context: this.settings.converter.encode(context) }),
    };
    const { handoffEpoch } = await this.#call((call) => this.stub.handOffConversation(pb, call));
    return { handoffEpoch: Number(handoffEpoch) };
  }

  /**
   * Hands a conversation back to the agents. `NOT_HANDED_OFF` if nobody owns it; `HANDOFF_CHANGED` if
   * somebody else does than in the handover `handoffEpoch`.
   */
  async handBack(
    conversationId: string,
    options: { readonly authorName?: string; readonly note?: string; readonly handoffEpoch?: number; readonly requestId?: string } = {},
  ): Promise<void> {
    const request = {
      ...this.#target(conversationId),
      authorName: options.authorName ?? "",
      note: options.note ?? "",
      handoffEpoch: BigInt(options.handoffEpoch ?? 0),
      requestId: options.requestId ?? crypto.randomUUID(),
    };
    await this.#call((call) => this.stub.handBackConversation(request, call));
  }

  /**
   * Sends a person's message to the customer, or notes one that they wrote elsewhere. A conversation that
   * agents own becomes theirs (`onHumanMessage`).
   */
  async sendHumanMessage(conversationId: string, content: string | Content, options: HumanMessageOptions): Promise<SentHumanMessage> {
    const request = {
      ...this.#target(conversationId),
      authorName: options.authorName,
      content: toPbContent(content, this.settings.converter),
      channel: options.channel ?? "",
      requestId: options.requestId ?? crypto.randomUUID(),
      seenThroughSequence: BigInt(options.seenThrough ?? 0),
      ...(options.alreadySent === undefined ? {} : { alreadySent: options.alreadySent }),
    };
    const { messageSequence, tookOver, isEcho } = await this.#call((call) => this.stub.sendHumanMessage(request, call));
    return { sequence: Number(messageSequence), tookOver, isEcho };
  }

  /**
   * Reports what a provider said about a delivered message, named by its position or by the id that the
   * provider gave it. In any order and repeatedly: the status only moves forward. Gives how far it is now.
   */
  async reportDelivery(
    conversationId: string,
    message: { readonly sequence: number } | { readonly providerMessageId: string },
    status: "accepted" | "delivered" | "read" | "failed",
    options: { readonly detail?: string } = {},
  ): Promise<DeliveryStatus | undefined> {
    const target =
      "sequence" in message
        ? ({ case: "messageSequence", value: BigInt(message.sequence) } as const)
        : ({ case: "providerMessageId", value: message.providerMessageId } as const);
    const request = { ...this.#target(conversationId), target, status: toPbDeliveryStatus(status), detail: options.detail ?? "" };
    const response = await this.#call((call) => this.stub.reportDelivery(request, call));
    return fromPbDeliveryStatus(response.status);
  }

  /** Removes the content of a conversation for good; says what was removed. */
  async erase(conversationId: string, options: { readonly reason?: string } = {}): Promise<{ readonly messageCount: number; readonly runCount: number }> {
    const request = { ...this.#target(conversationId), reason: options.reason ?? "" };
    const { messageCount, runCount } = await this.#call((call) => this.stub.eraseConversation(request, call));
    return { messageCount: Number(messageCount), runCount: Number(runCount) };
  }

  /** Sets what conversations of a type begin with; an empty type is every one without settings of its own. */
  async setType(conversationType: string, settings: ConversationTypeSettings): Promise<void> {
    const { turnPolicy, retention } = settings;
    const pb = {
      conversationType,
      ...(turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(turnPolicy) }),
      ...(retention === undefined ? {} : { retention: toPbDuration(retention) }),
    };
    await this.#call((call) => this.stub.setConversationType({ namespace: this.settings.namespace, settings: pb }, call));
  }

  /** Reads what conversations of a type begin with, defaults filled in. */
  async getType(conversationType: string): Promise<ConversationTypeSettings> {
    const { namespace } = this.settings;
    const { settings } = await this.#call((call) => this.stub.getConversationType({ namespace, conversationType }, call));
    return fromPbConversationType(settings);
  }

  /**
   * Closes a conversation: no further turn starts, a running one is interrupted. `MESSAGES_WAIT` while a
   * message of the customer has no answer that comes after `unlessAfter`, the position of the last one that
   * the caller has seen; without it, while any has none.
   */
  async close(
    conversationId: string,
    options: { readonly reason?: string; readonly grace?: Duration; readonly unlessAfter?: number } = {},
  ): Promise<void> {
    const grace = options.grace === undefined ? {} : { grace: toPbDuration(options.grace) };
    const unlessAfter = BigInt(options.unlessAfter ?? 0);
    const request = { ...this.#target(conversationId), reason: options.reason ?? "", unlessAfter, ...grace };
    await this.#call((call) => this.stub.closeConversation(request, call));
  }

  #target(conversationId: string): { namespace: string; conversationId: string } {
    return { namespace: this.settings.namespace, conversationId };
  }

  #call<T>(call: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    const { retry, timeoutMs } = this.settings;
    return withRetry(retry, () => call({ timeoutMs }));
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new RpcError("the answer is empty", { code: "INTERNAL" });
  return value;
}
