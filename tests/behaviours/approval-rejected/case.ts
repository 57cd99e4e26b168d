/** Rejected: an outcome, and no error. */

import { behaviour, transcriptBecomes } from "../harness/index.js";
import { pendingApproval, refund } from "../harness/refund.js";

export default behaviour({
  worker: { conversations: [refund] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Money back", { conversationType: "refund" });
    const approval = await pendingApproval(client, "jo");
    await client.approvals.decide(approval, { decision: "reject", decider: "Ann", comment: "too much" });
    await transcriptBecomes(client, "jo", ["customer: Money back", "agent: rejected by Ann: nothing too much"]);
  },
});
