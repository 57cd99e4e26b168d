/** Activities of this worker: they use the coordinator as any other service does. */

import { type Client, implementActivity, type ImplementedActivity, RpcError } from "everturn";
import { refund, refundDecided, reportRefund, startRefund } from "./refund.js";

/** The activities, with the client that they share. */
export function activities(client: Client): ImplementedActivity[] {
  return [
    implementActivity(startRefund, async (request) => {
      try {
        await client.workflows.start(refund, request, { workflowId: `refund-${request.number}` });
      } catch (error) {
        // An earlier attempt, or an earlier wish: one refund per order.
        if (!(error instanceof RpcError && error.code === "ALREADY_EXISTS")) throw error;
      }
    }),
    implementActivity(reportRefund, async ({ conversationId, decision }, { idempotencyKey }) => {
      // The same event id for every attempt: the conversation hears of it once.
      await client.conversations.submitEvent(conversationId, refundDecided, decision, { eventId: idempotencyKey });
    }),
  ];
}
