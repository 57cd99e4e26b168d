/** Calls about conversations. */

import { setTimeout as sleep } from "node:timers/promises";
import { type Duration, toDate, toPbDuration } from "../duration.js";
import { RpcError } from "../errors.js";
import type { ConversationService, WatchConversationResponse } from "../gen/everturn/v1/conversation_service_pb.js";
import type { Stub } from "../grpc/stub.js";
import { type Content, fromPbMessage, type Message, toPbContent } from "../message.js";
import type { CallSettings } from "./client.js";
import {
  type ConversationInfo,
  type ConversationStatus,
  type ConversationUpdate,
  fromPbConversation,
  fromPbUpdate,
  toPbStatus,
  toPbTurnPolicy,
  type TurnPolicy,
} from "./conversation-models.js";
import { pages } from "./pages.js";
import { Backoff, withRetry } from "./retry.js";
import { rpcErrorOf } from "./rpc-error.js";

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
}

/** A message that was accepted. */
export interface SubmittedMessage {
  /** Position in the transcript. */
  readonly sequence: number;
  readonly acceptTime: Date | undefined;
}

/** How to watch. */
export interface WatchOptions {
  /** Position of the last message that the caller has. Default 0: the whole transcript comes first. */
  readonly afterSequence?: number;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
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
      content: toPbContent(content, converter),
      taskQueue: options.taskQueue ?? "",
      labels: { ...options.labels },
      ...(options.turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(options.turnPolicy) }),
    };
    const response = await this.#call((call) => this.stub.submitMessage(request, call));
    return { sequence: Number(response.messageSequence), acceptTime: toDate(response.acceptTime) };
  }

  /** Reads one conversation, exactly as of now. */
  async get(conversationId: string): Promise<ConversationInfo> {
    const { namespace, converter } = this.settings;
    const { conversation } = await this.#call((call) => this.stub.getConversation({ namespace, conversationId }, call));
    if (conversation === undefined) throw new RpcError("the answer is empty", { code: "INTERNAL" });
    return fromPbConversation(conversation, converter);
  }

  /** Lists conversations, last updated first. May lag behind by about a second. */
  list(options: { readonly conversationType?: string; readonly status?: ConversationStatus; readonly pageSize?: number } = {}): AsyncIterableIterator<ConversationInfo> {
    const { namespace, converter } = this.settings;
    return pages(async (pageToken) => {
      const request = {
        namespace,
        pageToken,
        pageSize: options.pageSize ?? 0,
        conversationType: options.conversationType ?? "",
        status: toPbStatus(options.status),
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
   * Follows a conversation: first the transcript after a position, then everything new. Goes on after
   * the last message that it handed out when the connection breaks. Ends after `closed`.
   */
  async *watch(conversationId: string, options: WatchOptions = {}): AsyncGenerator<ConversationUpdate, void, undefined> {
    const { namespace, converter, retry } = this.settings;
    const { signal } = options;
    const backoff = new Backoff(retry);
    let afterSequence = options.afterSequence ?? 0;
    while (!isAborted(signal)) {
      const call = this.stub.watchConversation(
        { namespace, conversationId, afterSequence: BigInt(afterSequence) },
        signal === undefined ? {} : { signal },
      );
      let error = new RpcError("the server ended the watch", { code: "UNAVAILABLE" });
      try {
        for await (const response of call as AsyncIterable<WatchConversationResponse>) {
          backoff.reset();
          const update = fromPbUpdate(response, converter);
          if (update === undefined) continue;
          if (update.type === "message") afterSequence = Math.max(afterSequence, update.message.sequence);
          yield update;
          if (update.type === "closed") return;
        }
      } catch (thrown) {
        if (isAborted(signal)) return;
        error = rpcErrorOf(thrown);
      } finally {
        call.cancel();
      }
      const waitMs = backoff.delayMs(error);
      if (waitMs === undefined) throw error;
      await sleep(waitMs, undefined, { ...(signal === undefined ? {} : { signal }) }).catch(() => undefined);
    }
  }

  /** Closes a conversation: no further message is taken, a running turn is interrupted. */
  async close(conversationId: string, options: { readonly reason?: string; readonly grace?: Duration } = {}): Promise<void> {
    const { namespace } = this.settings;
    const grace = options.grace === undefined ? {} : { grace: toPbDuration(options.grace) };
    await this.#call((call) => this.stub.closeConversation({ namespace, conversationId, reason: options.reason ?? "", ...grace }, call));
  }

  #call<T>(call: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    const { retry, timeoutMs } = this.settings;
    return withRetry(retry, () => call({ timeoutMs }));
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
