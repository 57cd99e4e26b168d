/** The same start twice is one run; another start of a running id is refused. */

import assert from "node:assert/strict";
import { defineWorkflow, RpcError } from "everturn";
import { behaviour } from "../harness/index.js";

const waiting = defineWorkflow<string, string>("waiting", async (ctx, name) => {
  await ctx.waitSignal("go");
  return name;
});

export default behaviour({
  worker: { workflows: [waiting] },
  scenario: async ({ client }) => {
    const { workflows } = client;
    const first = await workflows.start(waiting, "first", { workflowId: "one", requestId: "r-1" });
    assert.deepEqual(await workflows.start(waiting, "first", { workflowId: "one", requestId: "r-1" }), first);
    await assert.rejects(workflows.start(waiting, "second", { workflowId: "one" }), (error) => {
      assert.ok(error instanceof RpcError);
      assert.deepEqual([error.code, error.reason, error.metadata["run_id"]], ["ALREADY_EXISTS", "RUN_ALREADY_STARTED", first.runId]);
      return true;
    });
    await workflows.signal("one", "go", null);
    assert.equal(await workflows.waitResult("one", { timeout: "20s" }), "first");

    // A start whose answer was lost is known after the end as well.
    assert.deepEqual(await workflows.start(waiting, "first", { workflowId: "one", requestId: "r-1" }), first);

    // Otherwise the id is free again; each run keeps its own result.
    const third = await workflows.start(waiting, "third", { workflowId: "one" });
    assert.notEqual(third.runId, first.runId);
    await workflows.signal("one", "go", null);
    assert.equal(await workflows.waitResult("one", { timeout: "20s", runId: third.runId }), "third");
    assert.equal(await workflows.waitResult("one", { runId: first.runId }), "first");
  },
});
