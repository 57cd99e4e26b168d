/** Deliveries: how messages leave by the adapter of their channel. */

import { create } from "@bufbuild/protobuf";
import type { ActivityContext } from "./activity-context.js";
import { checkName } from "./activity.js";
import { MessageSchema } from "./gen/everturn/v1/message_pb.js";
import { DeliveryAction as PbAction, type Delivery as PbDelivery } from "./gen/everturn/v1/worker_service_pb.js";
import { fromPbMessage, type Message } from "./message.js";
import type { PayloadConverter } from "./payload.js";
import type { TypingNotice } from "./typing.js";

/** A message that an adapter is to deliver. */
export interface Delivery {
  readonly conversationId: string;
  readonly message: Message;
  /** Address to deliver it to. */
  readonly address: string;
  /** The same for every attempt: hand it to the provider. */
  readonly idempotencyKey: string;
  /**
   * An earlier attempt was lost. Ask the provider whether it has the message: if it does, return what
   * it says; if it does not, deliver it. Only with `canReconcile`.
   */
  readonly reconcile: boolean;
  /** What the message answers, for providers that show threads; `undefined` if it answers nothing. */
  readonly inReplyTo: InReplyTo | undefined;
  /**
   * What is to be done: deliver the message, change a message that the customer has into it, or take
   * that one back. Only `"deliver"` without `canChange`.
   */
  readonly action: DeliveryAction;
  /** With `"edit"` and `"retract"`: id that the provider gave the message which is changed. */
  readonly changedProviderMessageId: string;
}

/** What an adapter is to do. */
export type DeliveryAction = "deliver" | "edit" | "retract";

/** What a delivery answers, as the provider of its channel knows it. */
export interface InReplyTo {
  /** Ids that the provider gave the messages which it answers, oldest first. */
  readonly providerMessageIds: readonly string[];
  /** Attribute `subject` of the customer's last message by the channel; empty if it has none. */
  readonly subject: string;
  /** Ids of the messages of the thread, the customer's and ours, oldest first; at most 50. */
  readonly references: readonly string[];
}

/** What the provider said about a message that it took. */
export interface DeliveryReceipt {
  /** Id that the provider gave the message; later receipts name it. */
  readonly providerMessageId?: string;
}

/** What an adapter can do. */
export interface DeliveryOptions {
  /**
   * True: the adapter can find out with its provider whether a message was sent, by its idempotency
   * key. Deliveries that were lost are then given to it with `reconcile`. Default false: a delivery
   * that was lost after it had begun is unknown and never sent again.
   */
  readonly canReconcile?: boolean;
  /**
   * True: the adapter looks at `action`, and can change messages and take them back. Default false: what
   * changes a message fails for good.
   */
  readonly canChange?: boolean;
  /**
   * Shows the customer that somebody is typing, or has stopped. Called when a turn begins to work on an answer
   * or a person types, and when they stop; not repeated, and an error is only logged. Default: nothing is shown.
   */
  readonly showTyping?: ShowTyping;
}

/** The code of an adapter that shows who types. */
export type ShowTyping = (notice: TypingNotice) => Promise<void> | void;

/** The code of an adapter. */
export type DeliveryFunction = (delivery: Delivery, context: ActivityContext) => Promise<DeliveryReceipt | undefined> | DeliveryReceipt | undefined;

/** An adapter with its code, for a worker. */
export interface ImplementedDelivery {
  readonly channel: string;
  readonly canReconcile: boolean;
  readonly canChange: boolean;
  readonly showTyping: ShowTyping | undefined;
  /** The code. */
  readonly deliver: DeliveryFunction;
}

/** Reads a delivery. */
export function fromPbDelivery(pb: PbDelivery, converter: PayloadConverter): Delivery {
  const { conversationId, address, idempotencyKey, reconcile, inReplyTo, changedProviderMessageId } = pb;
  const { providerMessageIds = [], subject = "", references = [] } = inReplyTo ?? {};
  return {
    conversationId,
    message: fromPbMessage(pb.message ?? create(MessageSchema), converter),
    address,
    idempotencyKey,
    reconcile,
    inReplyTo: inReplyTo && { providerMessageIds, subject, references },
    action: ACTIONS[pb.action] ?? "deliver",
    changedProviderMessageId,
  };
}

const ACTIONS: Readonly<Record<number, DeliveryAction>> = {
  [PbAction.EDIT]: "edit",
  [PbAction.RETRACT]: "retract",
};

/** Queue of the deliveries of a channel. */
export const DELIVERY_QUEUE_PREFIX = "deliver.";

/**
 * Implements the adapter of a channel; hand the result to a worker. When the code returns, the
 * provider has the message. When it throws, the provider does **not** have it and another attempt
 * follows (unless the error is a non-retryable `ApplicationError`). When nobody can tell, it throws a
 * `DeliveryUnknownError`.
 *
 * @param channel Name of the channel, as in messages (`"email"`).
 */
export function implementDelivery(channel: string, options: DeliveryOptions, deliver: DeliveryFunction): ImplementedDelivery {
  checkName("delivery queue", `${DELIVERY_QUEUE_PREFIX}${channel}`);
  if (channel === "") throw new RangeError("a channel has a name");
  return { channel, canReconcile: options.canReconcile ?? false, canChange: options.canChange ?? false, showTyping: options.showTyping, deliver };
}
