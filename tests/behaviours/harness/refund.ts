/** What the cases about approvals share: a conversation that asks for approval of a refund. */

import { type Approval, type Client, defineConversation } from "everturn";
import { until } from "./index.js";

/** Asks for approval of a refund of 100, and says how that went. */
export const refund = defineConversation({
  type: "refund",
  onTurn: async (ctx, turn) => {
    const approval = await ctx.requestApproval({
      title: "A refund",
      details: { customer: "Jo" },
      arguments: { amount: 100 },
      expires: turn.text === "expire" ? "100ms" : "1d",
    });
    const amount = approval.arguments?.amount ?? "nothing";
    ctx.reply(`${approval.outcome} by ${approval.decider || "nobody"}: ${String(amount)} ${approval.comment}`.trim());
  },
});

/** The approval that a conversation waits for. */
export function pendingApproval(client: Client, rootId: string): Promise<Approval> {
  return until("an approval is asked for", async () => {
    for await (const approval of client.approvals.list({ rootId, status: "pending" })) return approval;
    return undefined;
  });
}
