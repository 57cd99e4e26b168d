/** Calls about customers, not only conversations: who types, what is one customer's, what was said elsewhere. */

import { RpcError } from "../errors.js";
import type { ConversationService } from "../gen/everturn/v1/conversation_service_pb.js";
import type { Stub } from "../grpc/stub.js";
import { toPbAuthorKind } from "../message.js";
import { toPbTurnPolicy } from "../policy.js";
import { type ConversationInfo, fromPbConversation } from "./conversation-models.js";
import type { Contact, ImportedMessage, ImportOptions, TypingOptions } from "./conversation-options.js";
import { partsOf } from "./imports.js";
import { withRetry } from "./retry.js";
import type { CallSettings } from "./settings.js";

/** What a client of conversations can do with customers. */
export class CustomerCalls {
  constructor(
    protected readonly stub: Stub<typeof ConversationService>,
    protected readonly settings: CallSettings,
  ) {}

  /**
   * Says that somebody is typing, or has stopped; not kept. While the customer types, a burst of messages
   * stays open up to the policy's `maxWait`. With an empty conversation id `customerAddress` says which one
   * is meant.
   */
  async submitTyping(conversationId: string, isTyping: boolean, options: TypingOptions & { readonly customerAddress?: string } = {}): Promise<void> {
    const request = {
      ...this.target(conversationId),
      channel: options.channel ?? "",
      customerAddress: options.customerAddress ?? "",
      authorKind: toPbAuthorKind(options.authorKind ?? "customer"),
      authorName: options.authorName ?? "",
      hasStopped: !isTyping,
    };
    await this.call((call) => this.stub.submitTyping(request, call));
  }

  /**
   * Says that an address is the customer's of this conversation: what is submitted from it goes there. Gives
   * the other conversation that it had before, if it had one: `merge` joins the two.
   */
  async linkAddress(conversationId: string, contact: Contact): Promise<string | undefined> {
    const request = { ...this.target(conversationId), contact: toPbContact(contact) };
    const { previousConversationId } = await this.call((call) => this.stub.linkAddress(request, call));
    return previousConversationId === "" ? undefined : previousConversationId;
  }

  /**
   * Makes a conversation part of another one: its transcript, and what nobody has answered, go there. Gives
   * the other one as it is then.
   */
  async merge(conversationId: string, intoConversationId: string): Promise<ConversationInfo> {
    const request = { ...this.target(conversationId), intoConversationId };
    const { conversation } = await this.call((call) => this.stub.mergeConversations(request, call));
    return fromPbConversation(present(conversation), this.settings.converter);
  }

  /**
   * Opens a conversation with a transcript from elsewhere, oldest message first, at most 10,000. No turn
   * starts. Again with the same messages it goes on where it was cut off. Gives their number.
   */
  async importTranscript(
    conversationId: string,
    messages: Iterable<ImportedMessage> | AsyncIterable<ImportedMessage>,
    options: ImportOptions,
  ): Promise<number> {
    const request = {
      ...this.target(conversationId),
      conversationType: options.conversationType,
      taskQueue: options.taskQueue ?? "",
      labels: { ...options.labels },
      addresses: { ...options.addresses },
      replyChannel: options.replyChannel ?? "",
      ...(options.turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(options.turnPolicy) }),
    };
    let count = 0;
    for await (const part of partsOf(messages, this.settings.converter)) {
      await this.call((call) => this.stub.importConversation({ ...request, ...part }, call));
      count += part.messages.length;
    }
    return count;
  }

  protected target(conversationId: string): { namespace: string; conversationId: string } {
    return { namespace: this.settings.namespace, conversationId };
  }

  protected call<T>(call: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    const { retry, timeoutMs } = this.settings;
    return withRetry(retry, () => call({ timeoutMs }));
  }
}

/** What an answer always has. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new RpcError("the answer is empty", { code: "INTERNAL" });
  return value;
}

/** Writes an address. */
export function toPbContact({ channel = "chat", address }: Contact): { channel: string; address: string } {
  return { channel, address };
}
