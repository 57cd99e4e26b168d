/** A sleep, an activity and a client go on over a coordinator that is killed. */

import assert from "node:assert/strict";
import { defineWorkflow } from "everturn";
import { behaviour, Gate, until } from "../harness/index.js";

const gate = new Gate();

const sleeper = defineWorkflow<undefined, string>("sleeper", async (ctx) => {
  const begin = ctx.now();
  const activity = ctx.activity<string>("work");
  await ctx.sleep("1500ms");
  const isLongEnough = ctx.now() - begin >= 1_500;
  return `${isLongEnough ? "slept" : "woke early"}; ${await activity}`;
});

async function work(): Promise<string> {
  await gate.pass();
  return "worked";
}

export default behaviour({
  worker: { workflows: [sleeper], activities: { work } },
  scenario: async ({ client, restartCoordinator }) => {
    await client.workflows.start(sleeper, undefined, { workflowId: "sleeper" });
    await gate.arrived();
    await until("it sleeps", async () => (await client.workflows.describe("sleeper")).pendingTimers.length === 1);
    const result = client.workflows.waitResult("sleeper", { timeout: "25s" });
    await restartCoordinator();
    gate.open();
    assert.equal(await result, "slept; worked");
  },
});
