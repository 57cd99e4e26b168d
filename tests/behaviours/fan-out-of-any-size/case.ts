/** 50,000 activities at once, far more than a run may wait for, and replies as large as they may be. */

import assert from "node:assert/strict";
import { defineActivity, defineConversation, defineWorkflow } from "everturn";
import { behaviour, messages, until } from "../harness/index.js";

const COUNT = 50_000;
const double = defineActivity<number, number>("double");
const fanOut = defineWorkflow<number, number>("fan-out", async (ctx, count) => {
  const all = await Promise.all(Array.from({ length: count }, (_, index) => ctx.activity(double, index)));
  return all.reduce((sum, one) => sum + one, 0);
});
const talks = defineConversation({
  type: "talks",
  onTurn: (ctx) => {
    for (let number = 0; number < 4; number += 1) ctx.reply("ü".repeat(900_000));
  },
});

export default behaviour({
  worker: { workflows: [fanOut], conversations: [talks], activities: { double: (value: number) => 2 * value } },
  scenario: async ({ client }) => {
    await client.workflows.start(fanOut, COUNT, { workflowId: "fan" });
    assert.equal(await client.workflows.waitResult("fan"), COUNT * (COUNT - 1));
    await client.conversations.submitMessage("jo", "Talk", { conversationType: "talks" });
    const found = await until("all is said", async () => {
      const said = await messages(client, "jo");
      return said.length === 5 ? said : undefined;
    });
    assert.deepEqual(found.slice(1).map((it) => it.text.length), [900_000, 900_000, 900_000, 900_000]);
  },
});
