/** Deliveries: how messages leave by the adapter of their channel. */

import type { ActivityContext } from "./activity-context.js";
import { checkName } from "./activity.js";
import type { Message } from "./message.js";

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
}

/** The code of an adapter. */
export type DeliveryFunction = (delivery: Delivery, context: ActivityContext) => Promise<DeliveryReceipt | undefined> | DeliveryReceipt | undefined;

/** An adapter with its code, for a worker. */
export interface ImplementedDelivery {
  readonly channel: string;
  readonly canReconcile: boolean;
  /** The code. */
  readonly deliver: DeliveryFunction;
}

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
  return { channel, canReconcile: options.canReconcile ?? false, deliver };
}
