/** Thirty steps of 100 tokens, and a budget of 250. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";
import { pendingApproval } from "../harness/refund.js";

let calls = 0;

const fan = defineConversation({
  type: "fan",
  onTurn: async (ctx) => {
    await Promise.all(Array.from({ length: 30 }, () => ctx.activity("think")));
    ctx.reply("done");
  },
});

async function think(_input: unknown, context: ActivityContext): Promise<void> {
  calls += 1;
  await sleep(50);
  context.reportUsage({ inputTokens: 100 });
}

export default behaviour({
  worker: { conversations: [fan], activities: { think } },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Think", { conversationType: "fan", turnPolicy: { budget: { tokens: 250 } } });
    await until("the budget is reached", async () => (await conversations.get("jo")).isBudgetReached);
    assert.deepEqual([calls, (await conversations.get("jo")).usage.inputTokens], [3, 300]);
    const approval = await pendingApproval(client, "jo");
    const decision = { decision: "approveWithChanges", arguments: { tokens: 10_000 }, decider: "Ann" } as const;
    await client.approvals.decide(approval, decision);
    await transcriptBecomes(client, "jo", ["customer: Think", "agent: done"]);
    assert.equal(calls, 30);
  },
});
