/** Calls about conversations. */

import { toPbOptOut, toPbOptOuts } from "../channel-policy.js";
import { type DeliveryStatus, fromPbDeliveryStatus, toPbDeliveryStatus } from "../delivery-state.js";
import { type Duration, toDate, toPbDuration, toPbTime } from "../duration.js";
import type { EventType } from "../event.js";
import { type Content, fromPbMessage, type Message, toPbContent } from "../message.js";
import { type HandOffRequest, toPbAssignee } from "../person.js";
import { toPbTurnPolicy } from "../policy.js";
import {
  type ConversationInfo,
  type ConversationTypeSettings,
  fromPbConversation,
  fromPbConversationType,
  toPbStatus,
} from "./conversation-models.js";
import type {
  Contact,
  ConversationChanges,
  ConversationFilter,
  HumanMessageOptions,
  InboundMessageName,
  ListMessagesOptions,
  MessageChange,
  SentHumanMessage,
  SubmitEventOptions,
  SubmitOptions,
  SubmittedEvent,
  SubmittedMessage,
} from "./conversation-options.js";
import { CustomerCalls, present, toPbContact } from "./customers.js";
import { pages } from "./pages.js";
import { type ConversationUpdate, watchConversation, type WatchOptions } from "./watch.js";
import { toPbReasons } from "./waiting.js";

/** Customers' messages in, replies out. */
export class ConversationClient extends CustomerCalls {
  /** Adds a customer's message and opens the conversation if there is none. Durable when answered. */
  async submitMessage(conversationId: string, content: string | Content, options: SubmitOptions = {}): Promise<SubmittedMessage> {
    const { channel = "chat", customerAddress = "" } = options;
    return this.#submit({ conversationId, channel, customerAddress }, content, options);
  }

  /**
   * Adds a customer's message to the conversation that their address has, or to a new one if it has none that
   * takes messages: exactly one, however many calls come at once. Says which conversation has it.
   */
  async submitMessageFrom(contact: Contact, content: string | Content, options: Omit<SubmitOptions, "channel" | "customerAddress"> = {}): Promise<SubmittedMessage> {
    return this.#submit({ from: toPbContact(contact) }, content, options);
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
    const response = await this.call((call) => this.stub.submitEvent(request, call));
    return { sequence: Number(response.eventSequence), acceptTime: toDate(response.acceptTime) };
  }

  /** Reads one conversation, exactly as of now. */
  async get(conversationId: string): Promise<ConversationInfo> {
    const { conversation } = await this.call((call) => this.stub.getConversation(this.target(conversationId), call));
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
      const page = await this.call((call) => this.stub.listConversations(request, call));
      return { items: page.conversations.map((it) => fromPbConversation(it, converter)), next: page.nextPageToken };
    });
  }

  /** Lists the transcript, oldest first, exactly as of now. */
  listMessages(conversationId: string, options: ListMessagesOptions = {}): AsyncIterableIterator<Message> {
    const { namespace, converter } = this.settings;
    return pages(async (pageToken) => {
      const afterSequence = BigInt(options.afterSequence ?? 0);
      const request = { namespace, conversationId, pageToken, pageSize: options.pageSize ?? 0, afterSequence, includeNotes: options.includeNotes ?? false };
      const page = await this.call((call) => this.stub.listMessages(request, call));
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
      ...this.target(conversationId),
      labels: { ...changes.labels },
      addresses: { ...changes.addresses },
      replyChannel: changes.replyChannel ?? "",
      conversationType: changes.conversationType ?? "",
      taskQueue: changes.taskQueue ?? "",
      optOuts: toPbOptOuts(changes.optOuts),
      ...(changes.turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(changes.turnPolicy) }),
    };
    const { conversation } = await this.call((call) => this.stub.updateConversation(request, call));
    return fromPbConversation(present(conversation), converter);
  }

  /** Pauses a conversation: nothing of it is dispatched, everything that arrives is kept. */
  async pause(conversationId: string, options: { readonly reason?: string } = {}): Promise<void> {
    const request = { ...this.target(conversationId), reason: options.reason ?? "" };
    await this.call((call) => this.stub.pauseConversation(request, call));
  }

  /** Resumes a paused conversation where it stood. */
  async resume(conversationId: string): Promise<void> {
    await this.call((call) => this.stub.resumeConversation(this.target(conversationId), call));
  }

  /**
   * Hands a conversation to a person or a team: a running turn is interrupted, agents are silent. Gives the
   * number of the handover.
   */
  async handOff(conversationId: string, request: HandOffRequest): Promise<{ readonly handoffEpoch: number }> {
    const { reason = "", context } = request;
    const pb = {
      ...this.target(conversationId),
      assignee: toPbAssignee(request),
      reason,
      ...(context === undefined ? {} : { context: this.settings.converter.encode(context) }),
    };
    const { handoffEpoch } = await this.call((call) => this.stub.handOffConversation(pb, call));
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
      ...this.target(conversationId),
      authorName: options.authorName ?? "",
      note: options.note ?? "",
      handoffEpoch: BigInt(options.handoffEpoch ?? 0),
      requestId: options.requestId ?? crypto.randomUUID(),
    };
    await this.call((call) => this.stub.handBackConversation(request, call));
  }

  /**
   * Sends a person's message to the customer, or notes one that they wrote elsewhere. A conversation that
   * agents own becomes theirs (`onHumanMessage`).
   */
  async sendHumanMessage(conversationId: string, content: string | Content, options: HumanMessageOptions): Promise<SentHumanMessage> {
    const request = {
      ...this.target(conversationId),
      authorName: options.authorName,
      content: toPbContent(content, this.settings.converter),
      channel: options.channel ?? "",
      requestId: options.requestId ?? crypto.randomUUID(),
      seenThroughSequence: BigInt(options.seenThrough ?? 0),
      ...(options.alreadySent === undefined ? {} : { alreadySent: options.alreadySent }),
    };
    const { messageSequence, tookOver, isEcho } = await this.call((call) => this.stub.sendHumanMessage(request, call));
    return { sequence: Number(messageSequence), tookOver, isEcho };
  }

  /**
   * Reports what a provider said about a delivered message, named by its position or by the id that the
   * provider gave it. In any order and repeatedly: the status only moves forward; also before the adapter
   * has reported the id. Gives how far it is now.
   */
  async reportDelivery(
    conversationId: string,
    message: { readonly sequence: number } | { readonly providerMessageId: string },
    status: "accepted" | "delivered" | "read" | "failed",
    options: { readonly detail?: string; readonly channel?: string } = {},
  ): Promise<DeliveryStatus | undefined> {
    const target =
      "sequence" in message
        ? ({ case: "messageSequence", value: BigInt(message.sequence) } as const)
        : ({ case: "providerMessageId", value: message.providerMessageId } as const);
    const request = { ...this.target(conversationId), target, status: toPbDeliveryStatus(status), detail: options.detail ?? "", channel: options.channel ?? "" };
    const response = await this.call((call) => this.stub.reportDelivery(request, call));
    return fromPbDeliveryStatus(response.status);
  }

  /**
   * Sends a message again whose delivery has failed or is unknown, to the present address, if need be by
   * another channel. `NOT_RESENDABLE` if it is under way or has arrived.
   */
  async resendMessage(conversationId: string, sequence: number, options: { readonly channel?: string; readonly requestId?: string } = {}): Promise<void> {
    const request = {
      ...this.target(conversationId),
      messageSequence: BigInt(sequence),
      channel: options.channel ?? "",
      requestId: options.requestId ?? crypto.randomUUID(),
    };
    await this.call((call) => this.stub.resendMessage(request, call));
  }

  /** The customer has edited a message. `MESSAGE_NOT_FOUND` if it is none of the last 1,000. Idempotent. */
  async editMessage(conversationId: string, message: InboundMessageName, content: string | Content): Promise<MessageChange> {
    const request = { ...this.#inbound(conversationId, message), content: toPbContent(content, this.settings.converter) };
    return messageChange(await this.call((call) => this.stub.editMessage(request, call)));
  }

  /** The customer has taken a message back; otherwise like `editMessage`. */
  async retractMessage(conversationId: string, message: InboundMessageName): Promise<MessageChange> {
    const request = this.#inbound(conversationId, message);
    return messageChange(await this.call((call) => this.stub.retractMessage(request, call)));
  }

  /** Adds a note that only staff and agents see. Gives its position in the transcript. */
  async addNote(
    conversationId: string,
    content: string | Content,
    options: { readonly authorName: string; readonly requestId?: string },
  ): Promise<{ readonly sequence: number }> {
    const request = {
      ...this.target(conversationId),
      authorName: options.authorName,
      content: toPbContent(content, this.settings.converter),
      requestId: options.requestId ?? crypto.randomUUID(),
    };
    const { messageSequence } = await this.call((call) => this.stub.addNote(request, call));
    return { sequence: Number(messageSequence) };
  }

  /** Removes the content of a conversation for good; says what was removed. */
  async erase(conversationId: string, options: { readonly reason?: string } = {}): Promise<{ readonly messageCount: number; readonly runCount: number }> {
    const request = { ...this.target(conversationId), reason: options.reason ?? "" };
    const { messageCount, runCount } = await this.call((call) => this.stub.eraseConversation(request, call));
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
    await this.call((call) => this.stub.setConversationType({ namespace: this.settings.namespace, settings: pb }, call));
  }

  /** Reads what conversations of a type begin with, defaults filled in. */
  async getType(conversationType: string): Promise<ConversationTypeSettings> {
    const { namespace } = this.settings;
    const { settings } = await this.call((call) => this.stub.getConversationType({ namespace, conversationType }, call));
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
    const request = { ...this.target(conversationId), reason: options.reason ?? "", unlessAfter, ...grace };
    await this.call((call) => this.stub.closeConversation(request, call));
  }

  async #submit(
    target: { conversationId: string; channel: string; customerAddress: string } | { from: ReturnType<typeof toPbContact> },
    content: string | Content,
    options: SubmitOptions,
  ): Promise<SubmittedMessage> {
    const { namespace, converter } = this.settings;
    const request = {
      namespace,
      ...target,
      conversationType: options.conversationType ?? "",
      providerMessageId: options.providerMessageId ?? crypto.randomUUID(),
      authorName: options.authorName ?? "",
      isAutomatic: options.isAutomatic ?? false,
      optOut: toPbOptOut(options.optOut),
      content: toPbContent(content, converter),
      taskQueue: options.taskQueue ?? "",
      labels: { ...options.labels },
      ...(options.turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(options.turnPolicy) }),
    };
    const { conversationId, messageSequence, acceptTime } = await this.call((call) => this.stub.submitMessage(request, call));
    return { conversationId, sequence: Number(messageSequence), acceptTime: toDate(acceptTime) };
  }

  #inbound(conversationId: string, { channel = "chat", providerMessageId, customerAddress = "" }: InboundMessageName): {
    namespace: string;
    conversationId: string;
    channel: string;
    providerMessageId: string;
    customerAddress: string;
  } {
    return { ...this.target(conversationId), channel, providerMessageId, customerAddress };
  }
}

function messageChange({ messageSequence, changeSequence }: { messageSequence: bigint; changeSequence: bigint }): MessageChange {
  return { sequence: Number(messageSequence), changeSequence: changeSequence === 0n ? undefined : Number(changeSequence) };
}
