/** Who is typing, as watchers and adapters are told. */

import type { Typing as PbTyping } from "./gen/everturn/v1/conversation_service_pb.js";
import type { TypingNotice as PbTypingNotice } from "./gen/everturn/v1/worker_service_pb.js";
import { type AuthorKindName, fromPbAuthorKind } from "./message.js";

/** Somebody is typing, or has stopped. Who says nothing more for 6 s has stopped, too. */
export interface Typing {
  /** Who: the customer, an agent or a person. */
  readonly authorKind: AuthorKindName;
  /** Their name, if known; else empty. */
  readonly authorName: string;
  /** Channel, if known; else empty. */
  readonly channel: string;
  readonly isTyping: boolean;
}

/** Somebody is typing an answer, or has stopped: the customer may be shown so. */
export interface TypingNotice extends Typing {
  readonly conversationId: string;
  /** Address that the answer will go to. */
  readonly address: string;
}

/** Reads who types. */
export function fromPbTyping({ authorKind, authorName, channel, isTyping }: Omit<PbTyping, "$typeName" | "$unknown">): Typing {
  return { authorKind: fromPbAuthorKind(authorKind), authorName, channel, isTyping };
}

/** Reads what an adapter may show. */
export function fromPbTypingNotice(pb: PbTypingNotice): TypingNotice {
  return { ...fromPbTyping(pb), conversationId: pb.conversationId, address: pb.address };
}
