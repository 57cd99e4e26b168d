/** Approved with changes: the code goes on with the changed arguments. */

import assert from "node:assert/strict";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";
import { pendingApproval, refund } from "../harness/refund.js";

export default behaviour({
  worker: { conversations: [refund] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Money back", { conversationType: "refund" });
    const approval = await pendingApproval(client, "jo");
    await client.approvals.decide(approval, { decision: "approveWithChanges", arguments: { amount: 60 }, decider: "Ann" });
    await transcriptBecomes(client, "jo", ["customer: Money back", "agent: approvedWithChanges by Ann: 60"]);
    const ended = await until("the list knows", async () => {
      for await (const it of client.approvals.list({ rootId: "jo", status: "ended" })) return it;
      return undefined;
    });
    assert.deepEqual([ended.outcome, ended.decider], ["approvedWithChanges", "Ann"]);
  },
});
