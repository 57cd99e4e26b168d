/** What calls about conversations are given, and what they give. */

import type { AuthorKindName, Content } from "../message.js";
import type { OptOut, TurnPolicy } from "../policy.js";
import type { ConversationStatus } from "./conversation-models.js";
import type { WaitReason } from "./waiting.js";

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
  /** A machine wrote it: an auto-reply, a bounce. It starts no turn, unless the policy says so (`onAutomatic`). */
  readonly isAutomatic?: boolean;
  /** What the customer says with it about messages by this channel: `"STOP"`. */
  readonly optOut?: OptOut;
}

/** A message that was accepted. */
export interface SubmittedMessage {
  /** The conversation that has it. */
  readonly conversationId: string;
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
  /** What the customer does not want, by channel; `"none"` takes it back. */
  readonly optOuts?: Readonly<Record<string, OptOut>>;
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

/** A message of the customer, named by its provider. */
export interface InboundMessageName {
  /** Channel that it came in by. Default `chat`. */
  readonly channel?: string;
  /** Id that the channel's provider gave it. */
  readonly providerMessageId: string;
  /** Address that it came from, as it was submitted. With an empty conversation id it says which one is meant. */
  readonly customerAddress?: string;
}

/** The change of a message, as it was taken. */
export interface MessageChange {
  /** Position of the message. */
  readonly sequence: number;
  /** Position of the entry that tells of the change; `undefined` if the message says that already. */
  readonly changeSequence: number | undefined;
}

/** Which part of a transcript to read. */
export interface ListMessagesOptions {
  /** Only messages after this position, in the order of positions. Default: all, in the order of time. */
  readonly afterSequence?: number;
  /** Entries fetched at a time. Default: the server's. */
  readonly pageSize?: number;
  /** Notes, too, which the customer must not see. */
  readonly includeNotes?: boolean;
}

/** An address of a customer. */
export interface Contact {
  /** Channel. Default `chat`. */
  readonly channel?: string;
  /** Address on the channel; an e-mail address is the same in upper and lower case. */
  readonly address: string;
}

/** Who types, and where. */
export interface TypingOptions {
  /** Who. Default: the customer. */
  readonly authorKind?: "customer" | "agent" | "human";
  readonly authorName?: string;
  /** Channel. Default: the reply channel. */
  readonly channel?: string;
}

/** A message of a transcript from elsewhere. */
export interface ImportedMessage extends Content {
  readonly authorKind: AuthorKindName;
  readonly authorName?: string;
  /** Channel it came in by or went out by. Default `chat`. */
  readonly channel?: string;
  /** Id that the channel's provider gave a message of the customer. */
  readonly providerMessageId?: string;
  /** When it was written; not in the future. */
  readonly createTime: Date;
  /** Address of the customer that it came from. */
  readonly customerAddress?: string;
  /** A note that only staff and agents see. */
  readonly isNote?: boolean;
}

/** What an imported conversation begins with. */
export interface ImportOptions {
  readonly conversationType: string;
  /** Task queue of the conversation's turns. Default `default`. */
  readonly taskQueue?: string;
  readonly turnPolicy?: TurnPolicy;
  /** Labels. At most 64. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Addresses of the customer by channel. At most 16. */
  readonly addresses?: Readonly<Record<string, string>>;
  /** Channel that the agents write by. */
  readonly replyChannel?: string;
}
