/** The winner of a race stays the winner in every replay. */

import assert from "node:assert/strict";
import { defineWorkflow } from "everturn";
import { behaviour, Gate, until } from "../harness/index.js";

const racing = defineWorkflow<undefined, string>("racing", async (ctx) => {
  const slow = ctx.activity<string>("slow");
  const winner = await Promise.race([slow, ctx.sleep("100ms").then(() => "the timer")]);
  ctx.state.set("winner", winner);
  await ctx.waitSignal("finish");
  return `${winner}, then ${await slow}`;
});

const gate = new Gate();

async function slow(): Promise<string> {
  await gate.pass();
  return "the activity";
}

const options = { workflows: [racing], activities: { slow } };

export default behaviour({
  scenario: async ({ client, work }) => {
    const first = work(options);
    await client.workflows.start(racing, undefined, { workflowId: "race" });
    await until("the race is over", async () => (await client.workflows.state("race"))["winner"] === "the timer");
    gate.open();
    await until("the loser came in", async () => (await client.workflows.describe("race")).pendingActivities.length === 0);
    await first.stop();

    // Another worker replays the journal, in which both have ended.
    work(options);
    await client.workflows.signal("race", "finish", null);
    assert.equal(await client.workflows.waitResult("race", { timeout: "20s" }), "the timer, then the activity");
  },
});
