/** A decision on other arguments than those that wait is refused. */

import assert from "node:assert/strict";
import { hashArguments } from "everturn";
import { behaviour, refused, transcriptBecomes } from "../harness/index.js";
import { pendingApproval, refund } from "../harness/refund.js";

export default behaviour({
  worker: { conversations: [refund] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Money back", { conversationType: "refund" });
    const { approvalId } = await pendingApproval(client, "jo");
    const other = { approvalId, argumentsHash: hashArguments({ amount: 10_000 }) };
    await refused(client.approvals.decide(other, { decision: "approve", decider: "Ann" }), "APPROVAL_CHANGED");
    assert.equal((await pendingApproval(client, "jo")).approvalId, approvalId);
    const seen = { approvalId, argumentsHash: hashArguments({ amount: 100 }) };
    await client.approvals.decide(seen, { decision: "approve", decider: "Ann" });
    await transcriptBecomes(client, "jo", ["customer: Money back", "agent: approved by Ann: 100"]);
  },
});
