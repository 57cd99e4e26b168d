/** A run that takes too long closes as timed out, whatever it is doing. */

import assert from "node:assert/strict";
import { defineWorkflow, WorkflowError } from "everturn";
import { behaviour } from "../harness/index.js";

const slow = defineWorkflow("slow", async (ctx) => {
  await ctx.sleep("1d");
});

export default behaviour({
  worker: { workflows: [slow] },
  scenario: async ({ client }) => {
    await client.workflows.start(slow, undefined, { workflowId: "slow", executionTimeout: "300ms" });
    await assert.rejects(
      client.workflows.waitResult("slow", { timeout: "20s" }),
      (error) => error instanceof WorkflowError && error.status === "timed out" && error.failure?.kind === "timeout",
    );
    assert.equal((await client.workflows.describe("slow")).pendingTimers.length, 0);
  },
});
