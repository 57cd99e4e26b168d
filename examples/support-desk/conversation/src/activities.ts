/** Activities of this worker: they use the coordinator as any other service does. */

import {
  type ActivityContext, ApplicationError, type Client, implementActivity, type ImplementedActivity, RpcError, WaitTimeoutError, WorkflowError,
} from "everturn";
import { type Cancellation, cancellation, cancelOrder } from "./cancellation.js";
import { refund, refundDecided, reportRefund, startRefund } from "./refund.js";

/** One round of waiting for a workflow: how soon a superseded turn is noticed. */
const WAIT_ROUND = "2s";

/** The activities, with the client that they share. */
export function activities(client: Client): ImplementedActivity[] {
  return [
    implementActivity(cancelOrder, (number, context) => cancel(client, number, context)),
    implementActivity(startRefund, async (request) => {
      // An earlier attempt, or an earlier wish: one refund per order.
      await orOpen(client.workflows.start(refund, request, { workflowId: `refund-${request.number}` }));
    }),
    implementActivity(reportRefund, async ({ conversationId, decision }, { runId }) => {
      // The same event id for every attempt, and no other refund's: the conversation hears of each once.
      await client.conversations.submitEvent(conversationId, refundDecided, decision, { eventId: runId });
    }),
  ];
}

/**
 * Starts the cancellation of an order, or joins the one that an earlier attempt or a superseded turn
 * has started, and waits for its end. Who asks again after the end gets a cancellation that finds
 * the order as it is then.
 */
async function cancel(client: Client, number: string, context: ActivityContext): Promise<Cancellation> {
  const workflowId = `cancel-${number}`;
  await orOpen(client.workflows.start(cancellation, number, { workflowId, requestId: context.idempotencyKey }));
  for (;;) {
    context.throwIfCanceled();
    context.heartbeat();
    try {
      return await client.workflows.waitResult<Cancellation>(workflowId, { timeout: WAIT_ROUND });
    } catch (error) {
      if (error instanceof WaitTimeoutError) continue;
      if (!(error instanceof WorkflowError)) throw error;
      // It failed or was stopped: another attempt must not do it all over again.
      throw new ApplicationError(error.message, { type: "CancellationFailed", nonRetryable: true });
    }
  }
}

/** Waits for a start; good as well if there is such a run already. */
async function orOpen(start: Promise<unknown>): Promise<void> {
  try {
    await start;
  } catch (error) {
    if (!(error instanceof RpcError && error.code === "ALREADY_EXISTS")) throw error;
  }
}
