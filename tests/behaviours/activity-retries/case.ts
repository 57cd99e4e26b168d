/** Failed attempts are repeated, until one succeeds or none is left. */

import assert from "node:assert/strict";
import { type ActivityContext, ActivityError, defineWorkflow } from "everturn";
import { behaviour } from "../harness/index.js";

const keys = new Set<string>();

function flaky(_input: unknown, context: ActivityContext): string {
  keys.add(context.idempotencyKey);
  if (context.attempt < 3) throw new Error(`attempt ${String(context.attempt)} failed`);
  return `attempt ${String(context.attempt)}`;
}

const retries = defineWorkflow<number, string>("retries", async (ctx, maximumAttempts) => {
  try {
    return await ctx.activity<string>("flaky", undefined, { retry: { initialInterval: "20ms", maximumAttempts } });
  } catch (error) {
    if (!(error instanceof ActivityError)) throw error;
    return `gave up after ${String(error.attempt)}: ${error.failure.message}`;
  }
});

export default behaviour({
  worker: { workflows: [retries], activities: { flaky } },
  scenario: async ({ client }) => {
    await client.workflows.start(retries, 5, { workflowId: "enough" });
    assert.equal(await client.workflows.waitResult("enough", { timeout: "20s" }), "attempt 3");
    assert.equal(keys.size, 1);
    await client.workflows.start(retries, 2, { workflowId: "too-few" });
    assert.equal(await client.workflows.waitResult("too-few", { timeout: "20s" }), "gave up after 2: attempt 2 failed");
  },
});
