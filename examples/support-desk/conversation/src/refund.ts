/** Large refunds: a person approves, money goes back once, and the conversation hears of it. */

import { ActivityError, defineActivity, defineEvent, defineWorkflow, type Workflow, type WorkflowContext } from "everturn";
import { payBack, type Refund } from "./agents.js";
import { pounds } from "./texts.js";

/** Refunds from this amount on need an approval, in pounds. */
const LARGE_FROM = 250;

/** What is asked for. */
export interface RefundRequest {
  readonly number: string;
  /** In pounds. */
  readonly amount: number;
  readonly conversationId: string;
  /** The customer's words. */
  readonly wish: string;
}

/** What came of it. */
export interface RefundDecision {
  readonly number: string;
  /** What goes back, in pounds; 0 if nothing does. */
  readonly amount: number;
}

/** A message from the workflow to the conversation that waits for it. */
export interface Report {
  readonly conversationId: string;
  readonly decision: RefundDecision;
}

/** A refund was decided. */
export const refundDecided = defineEvent<RefundDecision>("refund-decided");

/** Starts {@link refund}; served by this worker, see activities.ts. */
export const startRefund = defineActivity<RefundRequest>("start_refund", { startToCloseTimeout: "30s" });
/** Tells the conversation. */
export const reportRefund = defineActivity<Report>("report_refund", { startToCloseTimeout: "30s" });

/** Whether a refund needs an approval. */
export function isLarge(amount: number): boolean {
  return amount >= LARGE_FROM;
}

/** Waits for the decision, which may change the amount, and carries it out. */
export const refund: Workflow<RefundRequest, RefundDecision> = defineWorkflow("refund", async (ctx, { number, amount, conversationId, wish }) => {
  const approval = await ctx.requestApproval({
    title: `Refund ${pounds(amount)} for ${number}`,
    details: { conversationId, wish },
    arguments: { number, amount },
    expires: "2d",
  });
  const decision = { number, amount: approval.arguments === undefined ? 0 : await pay(ctx, approval.arguments) };
  await ctx.activity(reportRefund, { conversationId, decision });
  return decision;
});

/** Pays: the amount, or nothing if the payment provider declines. */
async function pay(ctx: WorkflowContext, refund: Refund): Promise<number> {
  try {
    await ctx.activity(payBack, refund);
    return refund.amount;
  } catch (error) {
    if (!(error instanceof ActivityError && error.failure.type === "PaymentDeclined")) throw error;
    ctx.log.warn("an approved refund was declined", { number: refund.number, reason: error.failure.message });
    return 0;
  }
}
