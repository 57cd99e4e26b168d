/** A step that is given up asks its activity to stop. */

import assert from "node:assert/strict";
import { type ActivityContext, CanceledError, defineWorkflow } from "everturn";
import { behaviour, Gate, until } from "../harness/index.js";

const gate = new Gate();
const seen: string[] = [];

async function search(_input: unknown, context: ActivityContext): Promise<void> {
  try {
    await gate.pass(context.signal);
  } finally {
    seen.push(`search stops: ${String(context.cancelReason)}`);
  }
}

const bored = defineWorkflow<undefined, string>("bored", async (ctx) => {
  const step = ctx.activity("search");
  await ctx.waitSignal("enough");
  step.cancel();
  const outcome = await step.then(
    () => "found",
    (error: unknown) => (error instanceof CanceledError ? "canceled" : "failed"),
  );
  await ctx.waitSignal("good night");
  return outcome;
});

export default behaviour({
  worker: { workflows: [bored], activities: { search } },
  scenario: async ({ client }) => {
    await client.workflows.start(bored, undefined, { workflowId: "bored" });
    await gate.arrived();
    await client.workflows.signal("bored", "enough", null);
    await until("the activity stops", () => seen.length > 0);
    assert.deepEqual(seen, ["search stops: requested"]);
    await client.workflows.signal("bored", "good night", null);
    assert.equal(await client.workflows.waitResult("bored", { timeout: "20s" }), "canceled");
  },
});
