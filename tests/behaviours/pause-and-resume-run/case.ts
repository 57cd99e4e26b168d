/** A paused run takes its results and signals, but goes on only when it is resumed. */

import assert from "node:assert/strict";
import { defineSignal, defineWorkflow } from "everturn";
import { behaviour, Gate, journal } from "../harness/index.js";

const gate = new Gate();
const ready = defineSignal<string>("ready");

const steps = defineWorkflow<undefined, string>("steps", async (ctx) => {
  await ctx.activity("first");
  const said = await ctx.waitSignal(ready);
  return ctx.activity<string>("second", said);
});

export default behaviour({
  worker: { workflows: [steps], activities: { first: () => gate.pass(), second: (said: string) => `${said}!` } },
  scenario: async ({ client }) => {
    const { workflowId } = await client.workflows.start(steps, undefined);
    await gate.arrived();
    await client.workflows.pause(workflowId, { reason: "maintenance" });
    gate.open();
    await client.workflows.signal(workflowId, ready, "go");
    const paused = await client.workflows.describe(workflowId);
    assert.deepEqual([paused.isPaused, paused.status], [true, "running"]);
    assert.equal((await journal(client, workflowId)).filter((kind) => kind === "activityScheduled").length, 1);

    await client.workflows.resume(workflowId);
    assert.equal(await client.workflows.waitResult(workflowId, { timeout: "20s" }), "go!");
  },
});
