/** When the agents write first: something happened that the customer should know. */

import { type ConversationEvent, defineEvent, handleEvent, type Turn, type TurnContext } from "everturn";
import { type Draft, type Inquiry, lookupOrder } from "./agents.js";
import { type RefundDecision, refundDecided } from "./refund.js";
import { salesAgent, supportAgent } from "./team.js";
import { pounds, TEXTS } from "./texts.js";
import { merge } from "./turn.js";

/** A parcel is late. */
export const orderDelayed = defineEvent<{ readonly order: string }>("order-delayed");
/** A cart was left. */
export const cartAbandoned = defineEvent<{ readonly products: readonly string[] }>("cart-abandoned");

/** Handlers of all events. */
export const firstWords = [handleEvent(orderDelayed, warn), handleEvent(cartAbandoned, remember), handleEvent(refundDecided, tell)];

/** Support warns of a late parcel. */
async function warn(ctx: TurnContext, turn: Turn, { payload }: ConversationEvent<{ readonly order: string }>): Promise<void> {
  const order = await ctx.activity(lookupOrder, payload.order);
  if (order === null) {
    ctx.log.warn("no such order", { order: payload.order });
    return;
  }
  ctx.state.set("order", order.number);
  const inquiry = { ...occasion(turn, "order_status", ""), number: order.number, order };
  await write(ctx, await ctx.child(supportAgent, inquiry), inquiry);
}

/** Sales follows up a cart, if there is something to say. */
async function remember(ctx: TurnContext, turn: Turn, { payload }: ConversationEvent<{ readonly products: readonly string[] }>): Promise<void> {
  const inquiry = occasion(turn, "abandoned_cart", payload.products.join(", "));
  const draft = await ctx.child(salesAgent, inquiry);
  if (draft !== null) await write(ctx, draft, inquiry);
}

/** The Manager tells what became of a refund. */
async function tell(ctx: TurnContext, turn: Turn, { payload }: ConversationEvent<RefundDecision>): Promise<void> {
  const { number, amount } = payload;
  const text = amount > 0 ? TEXTS.refunded(number, pounds(amount)) : TEXTS.notRefunded(number);
  await write(ctx, { agent: "manager", text, missing: [] }, occasion(turn, "refund", ""));
}

async function write(ctx: TurnContext, draft: Draft, inquiry: Inquiry): Promise<void> {
  const { text, channel } = await merge(ctx, draft, null, inquiry);
  ctx.reply(text, { channel, author: draft.agent });
}

function occasion(turn: Turn, intent: string, text: string): Inquiry {
  return { text, intent, channel: turn.replyChannel, product: "none", confidence: 1, upset: false, number: null, order: null };
}
