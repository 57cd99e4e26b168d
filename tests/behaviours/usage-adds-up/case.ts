/** Tokens and cost of all attempts are added up by turn and conversation. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation, defineWorkflow } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const quick = { retry: { initialInterval: "20ms" } } as const;

const helper = defineWorkflow("helper", async (ctx) => {
  await ctx.activity("think", undefined, quick);
});

const support = defineConversation({
  type: "support",
  onTurn: async (ctx, turn) => {
    await ctx.activity("think", undefined, quick);
    if (turn.number === 1) await ctx.child(helper);
    ctx.reply("done");
  },
});

function think(_input: unknown, context: ActivityContext): void {
  context.reportUsage({ inputTokens: 10, outputTokens: 2 });
  context.reportUsage({ costMicros: 5, currency: "EUR" });
  if (context.attempt === 1) throw new Error("paid for, and failed");
}

export default behaviour({
  worker: { conversations: [support], workflows: [helper], activities: { think } },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "one", { conversationType: "support" });
    await transcriptBecomes(client, "jo", ["customer: one", "agent: done"]);
    const first = { inputTokens: 40, outputTokens: 8, costMicros: 20, currency: "EUR" };
    assert.deepEqual((await client.conversations.get("jo")).usage, first);

    await client.conversations.submitMessage("jo", "two");
    await transcriptBecomes(client, "jo", ["customer: one", "agent: done", "customer: two", "agent: done"]);
    const { usage, turnUsage } = await client.conversations.get("jo");
    assert.deepEqual(usage, { inputTokens: 60, outputTokens: 12, costMicros: 30, currency: "EUR" });
    assert.deepEqual(turnUsage, { inputTokens: 20, outputTokens: 4, costMicros: 10, currency: "EUR" });
  },
});
