/** Approved: the code goes on with what it asked for. */

import assert from "node:assert/strict";
import { behaviour, refused, transcriptBecomes } from "../harness/index.js";
import { pendingApproval, refund } from "../harness/refund.js";

export default behaviour({
  worker: { conversations: [refund] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Money back", { conversationType: "refund" });
    const approval = await pendingApproval(client, "jo");
    assert.deepEqual([approval.title, approval.arguments, approval.details], ["A refund", { amount: 100 }, { customer: "Jo" }]);
    assert.equal(approval.workflowId, "jo/turn-1");
    await client.approvals.decide(approval, { decision: "approve", decider: "Ann", comment: "fine" });
    await transcriptBecomes(client, "jo", ["customer: Money back", "agent: approved by Ann: 100 fine"]);

    await refused(client.approvals.decide(approval, { decision: "reject", decider: "Bob" }), "APPROVAL_DECIDED");
    await refused(client.approvals.decide({ ...approval, approvalId: "nope" }, { decision: "approve", decider: "Ann" }), "APPROVAL_NOT_FOUND");
  },
});
