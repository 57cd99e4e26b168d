/** A refund is under way when the customer writes again. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour, Gate, messages, until } from "../harness/index.js";

const gate = new Gate();
const keys: string[] = [];

const support = defineConversation({
  type: "support",
  onTurn: async (ctx, turn) => {
    const before = turn.interrupted?.steps.map((it) => `${it.key} ${it.status} ${JSON.stringify(it.result ?? "")}`);
    const found = await ctx.activity<{ order: number }>("find");
    await ctx.activity("refund", found);
    ctx.reply(`refunded ${String(found.order)} after ${before?.join(", ") ?? "nothing"}`);
  },
});

async function refund(_input: unknown, context: ActivityContext): Promise<void> {
  keys.push(context.idempotencyKey);
  if (keys.length === 1) await gate.pass(context.signal);
}

export default behaviour({
  worker: { conversations: [support], activities: { find: () => ({ order: 7 }), refund } },
  scenario: async ({ client }) => {
    const turnPolicy = { onBusy: "INTERRUPT" } as const;
    await client.conversations.submitMessage("jo", "Refund it", { conversationType: "support", turnPolicy });
    await gate.arrived();
    await client.conversations.submitMessage("jo", "please!");
    const { text } = await until("it is answered", async () => (await messages(client, "jo"))[2]);
    // Nobody knows, or its worker has confirmed in time that it was canceled.
    assert.match(text, /^refunded 7 after find completed \{"order":7\}, refund (unknown|failed) ""$/);
    assert.deepEqual(keys, ["jo/turn-1/refund", "jo/turn-1/refund"]);
  },
});
