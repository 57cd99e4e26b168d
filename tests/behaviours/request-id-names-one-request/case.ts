/** Ids that are used twice, for the same and for something else. */

import assert from "node:assert/strict";
import { defineConversation, defineWorkflow } from "everturn";
import { behaviour, refused, transcript } from "../harness/index.js";
import { pendingApproval } from "../harness/refund.js";

const refunding = defineConversation({
  type: "refunding",
  onTurn: async (ctx) => {
    await ctx.requestApproval({ title: "Refund?", arguments: { amount: 5 } });
  },
});

const plain = defineWorkflow<number, number>("plain", async (ctx, input) => {
  await ctx.waitSignal("go");
  return input;
});

export default behaviour({
  worker: { conversations: [refunding], workflows: [plain] },
  scenario: async ({ client }) => {
    const { conversations, approvals, workflows } = client;
    await conversations.submitMessage("jo", "Refund it", { conversationType: "refunding", providerMessageId: "m1" });
    await refused(conversations.submitMessage("jo", "Refund twice", { providerMessageId: "m1" }), "MESSAGE_ID_REUSED");
    await conversations.submitMessage("jo", "another chat", { providerMessageId: "m1", customerAddress: "+49" });
    assert.equal((await transcript(client, "jo")).length, 2);
    await conversations.submitEvent("jo", "paid", { amount: 5 }, { eventId: "e1" });
    await refused(conversations.submitEvent("jo", "paid", { amount: 6 }, { eventId: "e1" }), "EVENT_ID_REUSED");

    const approval = await pendingApproval(client, "jo");
    const decision = { decision: "approve", decider: "Ann", requestId: "r-1" } as const;
    await approvals.decide(approval, decision);
    await approvals.decide(approval, decision);
    await refused(approvals.decide(approval, { ...decision, decision: "reject" }), "REQUEST_ID_REUSED");

    await workflows.start(plain, 1, { workflowId: "w", requestId: "s-1" });
    await workflows.start(plain, 1, { workflowId: "w", requestId: "s-1" });
    await refused(workflows.start(plain, 2, { workflowId: "w", requestId: "s-1" }), "REQUEST_ID_REUSED");
    await workflows.terminate("w");
    const person = { authorName: "Ann", requestId: "h-1" };
    const first = await conversations.sendHumanMessage("jo", "Hello", person);
    assert.equal((await conversations.sendHumanMessage("jo", "Hello", person)).sequence, first.sequence);
    await refused(conversations.sendHumanMessage("jo", "Good day", person), "REQUEST_ID_REUSED");
  },
});
