/** A canceled run cleans up under a shield, and closes as canceled. */

import assert from "node:assert/strict";
import { CanceledError, defineWorkflow, WorkflowError } from "everturn";
import { behaviour, until } from "../harness/index.js";

const done: string[] = [];

const booking = defineWorkflow("booking", async (ctx) => {
  await ctx.activity("book", "a table");
  try {
    await ctx.sleep("1d");
  } catch (error) {
    assert.ok(error instanceof CanceledError && ctx.isCanceled);
    await ctx.shield(() => ctx.activity("cancel", "a table"));
    throw error;
  }
});

const activities = {
  book: (what: string) => { done.push(`book ${what}`); },
  cancel: (what: string) => { done.push(`cancel ${what}`); },
};

export default behaviour({
  worker: { workflows: [booking], activities },
  scenario: async ({ client }) => {
    await client.workflows.start(booking, undefined, { workflowId: "booking" });
    await until("it sleeps", async () => (await client.workflows.describe("booking")).pendingTimers.length === 1);
    await client.workflows.cancel("booking", { reason: "changed my mind" });
    await assert.rejects(client.workflows.waitResult("booking", { timeout: "20s" }), (error) => error instanceof WorkflowError && error.status === "canceled");
    assert.deepEqual(done, ["book a table", "cancel a table"]);
  },
});
