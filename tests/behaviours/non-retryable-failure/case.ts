/** Failures that will not go away are not repeated, and reach the code whole. */

import assert from "node:assert/strict";
import { ActivityError, ApplicationError, defineWorkflow } from "everturn";
import { behaviour } from "../harness/index.js";

let attempts = 0;

function charge(card: string): void {
  attempts += 1;
  const cause = new Error("declined by the bank");
  if (card === "expired") throw new ApplicationError("no money", { type: "CardDeclined", nonRetryable: true, details: { card }, cause });
  throw new ApplicationError("no such card", { type: "NoSuchCard" });
}

const checkout = defineWorkflow<string, unknown>("checkout", async (ctx, card) => {
  try {
    await ctx.activity("charge", card, { retry: { nonRetryableTypes: ["NoSuchCard"] } });
    return "charged";
  } catch (error) {
    if (!(error instanceof ActivityError)) throw error;
    const { type, message, details, cause } = error.failure;
    return [type, message, details ?? null, cause?.message ?? null];
  }
});

export default behaviour({
  worker: { workflows: [checkout], activities: { charge } },
  scenario: async ({ client }) => {
    await client.workflows.start(checkout, "expired", { workflowId: "one" });
    const first = await client.workflows.waitResult("one", { timeout: "20s" });
    assert.deepEqual(first, ["CardDeclined", "no money", { card: "expired" }, "declined by the bank"]);
    await client.workflows.start(checkout, "unknown", { workflowId: "two" });
    assert.deepEqual(await client.workflows.waitResult("two", { timeout: "20s" }), ["NoSuchCard", "no such card", null, null]);
    assert.equal(attempts, 2);
  },
});
