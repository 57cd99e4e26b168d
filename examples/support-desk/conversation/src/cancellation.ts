/** Cancellations: a saga over warehouse, loyalty points and payments. */

import { ActivityError, defineActivity, defineWorkflow, type Workflow, type WorkflowContext } from "everturn";
import { type CancellationStep, closeOrder, giveBackPoints, holdParcel, releaseParcel, returnPayment, takeBackPoints } from "./agents.js";
import { saga } from "./saga.js";

/** What came of a cancellation. */
export interface Cancellation {
  /** canceled: done. tooLate: the parcel has left. declined: the money cannot go back, and all is as it was. */
  readonly outcome: "canceled" | "tooLate" | "declined";
  /** Why not, in the words of the service that refused; empty if it was done. */
  readonly reason: string;
}

/** Cancels an order and waits for what comes of it; served by this worker, see activities.ts. */
export const cancelOrder = defineActivity<string, Cancellation>("cancel_order", {
  startToCloseTimeout: "10m",
  heartbeatTimeout: "15s",
  retry: { initialInterval: "200ms", maximumInterval: "10s" },
});

/** What refusals of the services mean for the customer. Any other failure is our trouble. */
const REFUSALS: Readonly<Record<string, Cancellation["outcome"]>> = { TooLate: "tooLate", PaymentDeclined: "declined" };

/**
 * Cancels the order with this number. A workflow of its own and no child of the turn: newer words of
 * the customer supersede a turn, but what was begun with warehouse and payments goes to its end.
 */
export const cancellation: Workflow<string, Cancellation> = defineWorkflow("cancellation", async (ctx, number) => {
  const step = { reference: ctx.info.runId, number };
  try {
    await undoable(ctx, step);
  } catch (error) {
    if (!(error instanceof ActivityError)) throw error;
    const outcome = REFUSALS[error.failure.type];
    if (outcome === undefined) throw error;
    return { outcome, reason: error.failure.message };
  }
  // From here on there is no way back, and nothing that refuses.
  await ctx.shield(() => ctx.activity(closeOrder, step));
  return { outcome: "canceled", reason: "" };
});

/** The steps that may be refused: all of them are done, or none. */
function undoable(ctx: WorkflowContext, step: CancellationStep): Promise<void> {
  return saga(ctx, async (steps) => {
    await steps.step(() => ctx.activity(holdParcel, step), () => ctx.activity(releaseParcel, step));
    await steps.step(() => ctx.activity(takeBackPoints, step), () => ctx.activity(giveBackPoints, step));
    // Last, because nobody can be asked to pay again; and not given up halfway, because then we
    // would not know whether it was paid.
    await ctx.shield(() => ctx.activity(returnPayment, step));
  });
}
