/** Clients wait for results before and after the end, with and without a bound. */

import assert from "node:assert/strict";
import { ApplicationError, defineSignal, defineWorkflow, WaitTimeoutError, WorkflowError } from "everturn";
import { behaviour, refused } from "../harness/index.js";

const go = defineSignal<string>("go");

const waiting = defineWorkflow<undefined, { readonly said: string }>("waiting", async (ctx) => {
  const said = await ctx.waitSignal(go);
  if (said === "fail") throw new ApplicationError("as you wish", { type: "Asked", cause: new Error("go") });
  return { said };
});

export default behaviour({
  worker: { workflows: [waiting] },
  scenario: async ({ client }) => {
    const { workflows } = client;
    await workflows.start(waiting, undefined, { workflowId: "one" });
    await assert.rejects(workflows.waitResult("one", { timeout: "100ms" }), WaitTimeoutError);
    const many = [1, 2, 3].map(() => workflows.waitResult("one", { timeout: "20s" }));
    await workflows.signal("one", go, "hello");
    assert.deepEqual(await Promise.all(many), [{ said: "hello" }, { said: "hello" }, { said: "hello" }]);
    assert.deepEqual(await workflows.waitResult("one"), { said: "hello" });

    await workflows.start(waiting, undefined, { workflowId: "two" });
    await workflows.signal("two", go, "fail");
    await assert.rejects(workflows.waitResult("two", { timeout: "20s" }), (error) => {
      assert.ok(error instanceof WorkflowError);
      assert.deepEqual([error.status, error.failure?.type, error.failure?.cause?.message], ["failed", "Asked", "go"]);
      return true;
    });
    await refused(workflows.waitResult("three"), "RUN_NOT_FOUND");
  },
});
