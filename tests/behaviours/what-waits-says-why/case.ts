/** Runs that wait for different things each say their reason, and are found by it. */

import assert from "node:assert/strict";
import { defineActivity, defineConversation, defineWorkflow, type WaitInfo, type WaitReason, type WorkflowContext } from "everturn";
import { behaviour, until } from "../harness/index.js";

const elsewhere = defineActivity("elsewhere", { taskQueue: "nobody" });
const fails = defineActivity("fails", { retry: { initialInterval: "1h", maximumInterval: "1h" } });

const runs: Readonly<Record<string, (ctx: WorkflowContext) => Promise<unknown>>> = {
  timer: (ctx) => ctx.sleep("1h"),
  signal: (ctx) => ctx.waitSignal("go"),
  noWorker: (ctx) => ctx.activity(elsewhere),
  backingOff: (ctx) => ctx.activity(fails),
  notRegistered: (ctx) => ctx.child("unknown"),
  approval: (ctx) => ctx.requestApproval({ title: "May I?", arguments: 1 }),
};
const asks = defineConversation({ type: "asks", onTurn: async (ctx) => { await ctx.ask("Which size?"); } });

export default behaviour({
  worker: {
    workflows: Object.entries(runs).map(([name, run]) => defineWorkflow(name, run)),
    conversations: [asks],
    activities: { fails: () => { throw new TypeError("no"); } },
  },
  scenario: async ({ client }) => {
    const waits = (workflowId: string, reason: WaitReason): Promise<WaitInfo> =>
      until(`${workflowId} waits for ${reason}`, async () => {
        const { wait } = await client.workflows.describe(workflowId);
        return wait?.reason === reason ? wait : undefined;
      });
    for (const name of Object.keys(runs)) await client.workflows.start(name, undefined, { workflowId: name });
    await waits("timer", "timer");
    await waits("signal", "signal");
    assert.match((await waits("noWorker", "noWorker")).text, /nobody/);
    const backingOff = await waits("backingOff", "backingOff");
    assert.match(backingOff.text, /TypeError/);
    assert.ok(backingOff.untilTime !== undefined && backingOff.untilTime.getTime() > Date.now());
    assert.notEqual((await waits("approval", "approval")).approvalId, "");
    const child = await until("the child waits for code", async () => {
      const { pendingChildren } = await client.workflows.describe("notRegistered");
      const id = pendingChildren[0]?.workflowId;
      return id === undefined ? undefined : (await client.workflows.describe(id)).wait;
    });
    assert.ok(["notRegistered", "queued", "taskFailed"].includes(child.reason), child.reason);

    await client.conversations.submitMessage("jo", "Hi", { conversationType: "asks" });
    const asked = await until("the conversation waits", async () => {
      const { wait } = await client.conversations.get("jo");
      return wait?.reason === "customer" ? wait : undefined;
    });
    assert.ok(asked.sinceTime !== undefined && asked.endsWith !== "");

    await until("the list can be filtered", async () => {
      const found: string[] = [];
      for await (const run of client.workflows.list({ waiting: ["timer", "noWorker"] })) found.push(run.workflowId);
      return found.sort().join() === "noWorker,timer";
    });
    await until("the type that nobody has is found", async () => {
      const served = (await client.taskQueues.list()).find((it) => it.name === "default" && it.kind === "workflow");
      assert.deepEqual([served?.workerCount, served?.registeredTypes.includes("timer")], [1, true]);
      return served?.missingTypes.join() === "unknown";
    });
    const [worst] = await client.taskQueues.list();
    assert.deepEqual([worst?.name, worst?.kind, worst?.workerCount], ["nobody", "activity", 0]);
    assert.ok(worst?.unservedSinceTime !== undefined);
    await client.workflows.pause("timer", { reason: "fraud check" });
    assert.match((await waits("timer", "paused")).text, /fraud check/);
  },
});
