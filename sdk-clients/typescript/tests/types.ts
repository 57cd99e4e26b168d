/** Wrong code must not compile: checked by `npm run typecheck`, never run. */

import {
  type ActivityContext, type Client, defineActivity, defineConversation, defineEvent, defineSignal, defineWorkflow, handleEvent, implementActivity,
  implementDelivery, type Message, type Step,
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

const paid = defineEvent<{ readonly amount: number }>("paid");

export const withPeople = defineConversation({
  type: "p",
  // @ts-expect-error -- not a policy
  turnPolicy: { onEvent: "DROP" },
  onEvent: [handleEvent(paid, (ctx, turn, event) => {
    const amount: number = event.payload.amount;
    ctx.reply(`${String(amount)} ${turn.cause}`);
    // @ts-expect-error -- a typed event has a typed payload
    event.payload.price;
  })],
  onIdle: async (ctx, turn) => {
    const result = await ctx.requestApproval({ title: "Refund?", arguments: { amount: 5 } });
    // @ts-expect-error -- only what was approved has arguments
    result.arguments.amount;
    if (result.outcome === "approved" || result.outcome === "approvedWithChanges") result.arguments.amount.toFixed();
    // @ts-expect-error -- a person or a team, not both
    void ctx.handOff({ person: "ada", team: "billing" });
    // @ts-expect-error -- somebody
    void ctx.handOff({ reason: "refund" });
    const { by, messages } = await ctx.handOff({ team: "billing" });
    const { sequence, suppressed } = await ctx.reply(`${by} ${String(messages.length)}`).recorded();
    // @ts-expect-error -- it may have been kept in
    sequence.toFixed();
    if (suppressed === undefined) sequence?.toFixed();
    turn.onEvent(paid, ({ payload }) => payload.amount.toFixed());
    // @ts-expect-error -- the payload of any event is unknown
    turn.onEvent(({ payload }) => payload.amount);
  },
});

// @ts-expect-error -- an adapter returns what the provider said
implementDelivery("email", {}, () => "id");

export async function people(it: Client): Promise<void> {
  await it.conversations.submitEvent("c", paid, { amount: 1 });
  // @ts-expect-error -- the payload has an amount
  await it.conversations.submitEvent("c", paid, 1);
  const approval = { approvalId: "a", argumentsHash: new Uint8Array(32) };
  await it.approvals.decide(approval, { decision: "reject", decider: "Ada" });
  // @ts-expect-error -- changes need arguments
  await it.approvals.decide(approval, { decision: "approveWithChanges", decider: "Ada" });
  // @ts-expect-error -- only changes have arguments
  await it.approvals.decide(approval, { decision: "approve", decider: "Ada", arguments: 1 });
  // @ts-expect-error -- providers do not report this
  await it.conversations.reportDelivery("c", { sequence: 1 }, "pending");
}

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
