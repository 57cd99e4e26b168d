/** A deployment adds a step before those that are recorded; runs that are under way go on. */

import assert from "node:assert/strict";
import { defineWorkflow } from "everturn";
import { behaviour, until } from "../harness/index.js";

const ran: string[] = [];
const activities = {
  check: () => { ran.push("check"); },
  charge: () => { ran.push("charge"); },
  ship: () => { ran.push("ship"); },
};

const before = defineWorkflow("order", async (ctx) => {
  await ctx.activity("charge");
  ctx.state.set("is charged", true);
  await ctx.waitSignal("packed");
  await ctx.activity("ship");
});

const after = defineWorkflow("order", async (ctx) => {
  await ctx.activity("check");
  await ctx.activity("charge");
  await ctx.waitSignal("packed");
  await ctx.activity("ship");
});

export default behaviour({
  scenario: async ({ client, work }) => {
    const old = work({ workflows: [before], activities });
    await client.workflows.start(before, undefined, { workflowId: "order" });
    await until("it is charged", async () => (await client.workflows.state("order"))["is charged"] === true);
    await old.stop();

    work({ workflows: [after], activities });
    await client.workflows.signal("order", "packed", null);
    await client.workflows.waitResult("order", { timeout: "20s" });
    assert.deepEqual(ran, ["charge", "check", "ship"]);
  },
});
