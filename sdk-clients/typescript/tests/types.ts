/** Wrong code must not compile: checked by `npm run typecheck`, never run. */

import {
  type ActivityContext, type Client, defineActivity, defineConversation, defineSignal, defineWorkflow, implementActivity, type Message, type Step,
} from "../src/index.js";

interface Order { readonly id: string; readonly amount: number }

const charge = defineActivity<Order, string>("charge", { startToCloseTimeout: "60s" });
const tick = defineActivity("tick");
const done = defineSignal<number>("done");
const child = defineWorkflow<Order, boolean>("child", (_ctx, order) => order.amount > 1);

// @ts-expect-error -- a duration has a unit
defineActivity("x", { startToCloseTimeout: "60" });
// @ts-expect-error -- not an option
defineActivity("x", { startToCloseTimeoutMs: 60 });
// @ts-expect-error -- the result is a text
implementActivity(charge, () => 1);
implementActivity(charge, (order: Order, context: ActivityContext) => `${order.id}${String(context.attempt)}`);

export const workflow = defineWorkflow<Order, number>("w", async (ctx, order) => {
  const receipt: string = await ctx.activity(charge, order);
  // @ts-expect-error -- the input is an order
  await ctx.activity(charge, "order");
  // @ts-expect-error -- the input may not be left out
  await ctx.activity(charge);
  // @ts-expect-error -- the result is a text
  const wrong: number = await ctx.activity(charge, order);
  await ctx.activity(tick);
  await ctx.activity(tick, undefined, { key: "t", priority: 1 });
  const isBig: boolean = await ctx.child(child, order);
  // @ts-expect-error -- the input is an order
  await ctx.child(child, 5);
  const value: number = await ctx.waitSignal(done);
  await ctx.signal("other", done, 5);
  // @ts-expect-error -- the input is a number
  await ctx.signal("other", done, "5");
  ctx.onSignal(done, (it) => it.toFixed());
  // @ts-expect-error -- only turns reply
  ctx.reply("hi");
  const local: number = await ctx.run("n", () => 1);
  const text = await Promise.race([ctx.activity(charge, order), ctx.sleep("1m")]);
  // @ts-expect-error -- the sleep may win
  text.length;
  return receipt.length + wrong + Number(isBig) + value + local;
});

// @ts-expect-error -- the result is a number
defineWorkflow<void, number>("w", () => "1");

export const conversation = defineConversation({
  type: "c",
  onTurn: async (ctx, turn) => {
    const ask: Step<readonly Message[]> = ctx.ask("?");
    const answer: readonly Message[] | undefined = await Promise.race([ask, ctx.sleep("2m")]);
    // @ts-expect-error -- with a timeout there may be no answer
    const bounded: readonly Message[] = await ctx.ask("?", { timeout: "1m" });
    ctx.reply(`${turn.text} ${String(answer?.length)} ${String(bounded.length)}`);
    // @ts-expect-error -- content is text or data
    ctx.reply(5);
  },
});

export async function client(it: Client): Promise<void> {
  await it.workflows.start(child, { id: "1", amount: 2 });
  // @ts-expect-error -- the input is an order
  await it.workflows.start(child, { id: "1" });
  await it.workflows.start("anything", { free: true });
  await it.workflows.signal("w", done, 1);
  // @ts-expect-error -- the input is a number
  await it.workflows.signal("w", done, "1");
  // @ts-expect-error -- not a policy
  await it.conversations.submitMessage("c", "hi", { turnPolicy: { onBusy: "DROP" } });
}
