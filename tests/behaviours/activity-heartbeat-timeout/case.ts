/** An attempt that falls silent is replaced, and its successor knows how far it came. */

import assert from "node:assert/strict";
import { type ActivityContext, defineWorkflow } from "everturn";
import { aborted, behaviour, until } from "../harness/index.js";

const reasons: string[] = [];

async function pages(_input: unknown, context: ActivityContext): Promise<string> {
  if (context.attempt > 1) return `went on after ${String(context.heartbeatDetails)}`;
  context.heartbeat("page 7");
  // Says nothing more: after half a second the attempt is over for the coordinator.
  return aborted(context.signal).finally(() => reasons.push(String(context.cancelReason)));
}

const importing = defineWorkflow<undefined, string>("importing", (ctx) =>
  ctx.activity<string>("pages", undefined, { heartbeatTimeout: "500ms", retry: { initialInterval: "20ms" } }));

export default behaviour({
  worker: { workflows: [importing], activities: { pages } },
  scenario: async ({ client }) => {
    await client.workflows.start(importing, undefined, { workflowId: "import" });
    assert.equal(await client.workflows.waitResult("import", { timeout: "20s" }), "went on after page 7");
    await until("the silent attempt is told", () => reasons.length > 0);
    assert.deepEqual(reasons, ["fenced"]);
  },
});
