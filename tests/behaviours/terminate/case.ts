/** A terminated run is over at once; nobody asks its code. */

import assert from "node:assert/strict";
import { type ActivityContext, defineWorkflow, WorkflowError } from "everturn";
import { behaviour, Gate, refused, until } from "../harness/index.js";

const gate = new Gate();
const seen: string[] = [];

async function work(_input: unknown, context: ActivityContext): Promise<void> {
  try {
    await gate.pass(context.signal);
  } finally {
    seen.push(`stopped: ${String(context.cancelReason)}`);
  }
}

const stubborn = defineWorkflow("stubborn", async (ctx) => {
  try {
    await ctx.activity("work");
  } finally {
    seen.push("clean-up");
  }
});

export default behaviour({
  worker: { workflows: [stubborn], activities: { work } },
  scenario: async ({ client }) => {
    const { workflows } = client;
    await workflows.start(stubborn, undefined, { workflowId: "stubborn" });
    await gate.arrived();
    await workflows.terminate("stubborn", { reason: "stuck" });
    const { status, failure } = await workflows.describe("stubborn");
    assert.deepEqual([status, failure?.kind, failure?.message], ["terminated", "terminated", "stuck"]);
    await assert.rejects(workflows.waitResult("stubborn"), (error) => error instanceof WorkflowError && error.status === "terminated");
    await refused(workflows.signal("stubborn", "go", null), "RUN_CLOSED");
    await until("the activity is told", () => seen.length > 0);
    assert.deepEqual(seen, ["stopped: fenced"]);
  },
});
