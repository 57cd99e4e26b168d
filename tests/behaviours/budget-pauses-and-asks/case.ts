/** When the budget is used up, activities wait until a person raises it. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour, transcript, transcriptBecomes, until } from "../harness/index.js";
import { pendingApproval } from "../harness/refund.js";

let thoughts = 0;

const thinker = defineConversation({
  type: "thinker",
  onTurn: async (ctx) => {
    for (let step = 1; step <= 3; step += 1) await ctx.activity("think");
    ctx.reply("thought three times");
  },
});

function think(_input: unknown, context: ActivityContext): void {
  thoughts += 1;
  context.reportUsage({ inputTokens: 60 });
}

export default behaviour({
  worker: { conversations: [thinker], activities: { think } },
  scenario: async ({ client }) => {
    const turnPolicy = { budget: { tokens: 100 } };
    await client.conversations.submitMessage("jo", "Think", { conversationType: "thinker", turnPolicy });
    await until("the budget is reached", async () => (await client.conversations.get("jo")).isBudgetReached);
    const approval = await pendingApproval(client, "jo");
    assert.equal(approval.workflowId, "jo");
    assert.deepEqual([thoughts, await transcript(client, "jo")], [2, ["customer: Think"]]);

    await client.approvals.decide(approval, { decision: "approve", decider: "Ann" });
    await transcriptBecomes(client, "jo", ["customer: Think", "agent: thought three times"]);
    const after = await client.conversations.get("jo");
    assert.deepEqual([after.isBudgetReached, after.turnPolicy.budget?.tokens, after.usage.inputTokens], [false, 200, 180]);
  },
});
