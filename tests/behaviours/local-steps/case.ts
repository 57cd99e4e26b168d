/** `ctx.run`, time, chance and ids are the same in every replay. */

import assert from "node:assert/strict";
import { defineWorkflow, type LocalError } from "everturn";
import { behaviour, until } from "../harness/index.js";

let calls = 0;

const local = defineWorkflow<undefined, unknown>("local", async (ctx) => {
  const count = await ctx.run("count", () => (calls += 1));
  const failed = await ctx.run("fail", () => { throw new TypeError("no"); }).catch((error: unknown) => (error as LocalError).failure.type);
  const chance = [ctx.random(), ctx.uuid(), ctx.now()];
  ctx.state.set("chance", chance);
  await ctx.waitSignal("finish");
  return [count, failed, chance];
});

export default behaviour({
  scenario: async ({ client, work }) => {
    const first = work({ workflows: [local] });
    await client.workflows.start(local, undefined, { workflowId: "local" });
    const chance = await until("the state is there", async () => (await client.workflows.state("local"))["chance"]);
    await first.stop();

    work({ workflows: [local] });
    await client.workflows.signal("local", "finish", null);
    assert.deepEqual(await client.workflows.waitResult("local", { timeout: "20s" }), [1, "TypeError", chance]);
    assert.equal(calls, 1);
  },
});
