/** Three kinds of code that never ends, and a run beside them that does. */

import assert from "node:assert/strict";
import { defineWorkflow } from "everturn";
import { behaviour, until } from "../harness/index.js";

const loops = defineWorkflow("loops", function loopsForEver() { for (;;) { /* for ever */ } });
const backtracks = defineWorkflow("backtracks", function backtracksForEver() { return /^(a+)+$/.test(`${"a".repeat(60)}b`); });
const blocks = defineWorkflow("blocks", async function blocksForEver(ctx) {
  await ctx.sleep("1ms");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
const works = defineWorkflow("works", async (ctx) => {
  await ctx.sleep("10ms");
  return "done";
});

export default behaviour({
  worker: { workflows: [loops, backtracks, blocks, works], blockedTimeout: "500ms" },
  scenario: async ({ client }) => {
    for (const workflow of [loops, backtracks, blocks]) {
      await client.workflows.start(workflow.type, undefined, { workflowId: workflow.type });
      const failure = await until(`${workflow.type} is reported`, async () => (await client.workflows.describe(workflow.type)).workflowTaskFailure);
      assert.equal(failure.type, "Blocked");
      assert.match(failure.stackTrace, new RegExp(`${workflow.type}ForEver`));
      const { workflowId } = await client.workflows.start(works, undefined);
      assert.equal(await client.workflows.waitResult(workflowId), "done");
      await client.workflows.terminate(workflow.type);
    }
  },
});
