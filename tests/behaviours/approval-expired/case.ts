/** Nobody decides in time: an outcome like the others. */

import { behaviour, refused, transcriptBecomes, until } from "../harness/index.js";
import { refund } from "../harness/refund.js";

export default behaviour({
  worker: { conversations: [refund] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "expire", { conversationType: "refund" });
    await transcriptBecomes(client, "jo", ["customer: expire", "agent: expired by nobody: nothing"]);
    const approval = await until("the list knows", async () => {
      for await (const it of client.approvals.list({ rootId: "jo", status: "ended" })) return it;
      return undefined;
    });
    await refused(client.approvals.decide(approval, { decision: "approve", decider: "Ann" }), "APPROVAL_EXPIRED");
  },
});
