/** What a turn does before it answers: cancel an order, or have a refund approved. */

import type { TurnContext } from "everturn";
import { type Inquiry, lookupOrder, type Order } from "./agents.js";
import { cancelOrder } from "./cancellation.js";
import { isLarge, startRefund } from "./refund.js";
import { pounds, TEXTS } from "./texts.js";

/** Probability from which on the conversation acts, and does not only say how. */
const SURE = 0.8;
/** Orders that have not left. */
const OPEN = new Set(["processing", "packed"]);

/** A person has to take over. */
export interface ForPerson {
  /** Why. */
  readonly person: string;
  /** What the customer is told. */
  readonly words?: string;
}

/**
 * Does what the customer asks for, where the shop can and the wish is clear: the inquiry as it is
 * then, "done" if there is nothing more to say for now, or that a person has to take over.
 */
export async function act(ctx: TurnContext, conversationId: string, inquiry: Inquiry): Promise<Inquiry | "done" | ForPerson> {
  const { order, intent, channel } = inquiry;
  if (order === null || inquiry.confidence < SURE) return inquiry;
  if (intent === "cancel_order" && OPEN.has(order.status)) return cancel(ctx, inquiry, order);
  if (intent === "refund" && order.status === "delivered" && isLarge(order.total)) {
    // A person decides, and that may take days: a workflow of its own waits, and tells us.
    await ctx.activity(startRefund, { number: order.number, amount: order.total, conversationId, wish: inquiry.text });
    ctx.reply(TEXTS.approval(order.number, pounds(order.total)), { channel, author: "manager" });
    return "done";
  }
  return inquiry;
}

/** Cancels an order. The answer is about the order as it is then: canceled, or gone meanwhile. */
async function cancel(ctx: TurnContext, inquiry: Inquiry, { number }: Order): Promise<Inquiry | ForPerson> {
  const { outcome, reason } = await ctx.activity(cancelOrder, number);
  if (outcome === "declined") return { person: `${number} could not be canceled: ${reason}`, words: TEXTS.notCanceled(number) };
  return { ...inquiry, order: await ctx.activity(lookupOrder, number) };
}
