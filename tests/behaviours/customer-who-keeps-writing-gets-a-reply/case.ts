/** A message every 300 ms, and a turn that takes a second. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { defineConversation } from "everturn";
import { atRest, behaviour, transcript } from "../harness/index.js";

const support = defineConversation({
  type: "support",
  onTurn: async (ctx, turn) => {
    await ctx.sleep("1s");
    ctx.reply(`answers ${String(turn.messages.length)}`);
  },
});

export default behaviour({
  worker: { conversations: [support] },
  scenario: async ({ client }) => {
    const turnPolicy = { onBusy: "INTERRUPT" } as const;
    for (let message = 0; message < 16; message += 1) {
      await client.conversations.submitMessage("jo", String(message), { conversationType: "support", turnPolicy });
      await sleep(300);
    }
    const soFar = await transcript(client, "jo");
    assert.ok(soFar.some((line) => line.startsWith("agent")), "no reply while the customer writes");
    await atRest(client, "jo");
    const answers = (await transcript(client, "jo")).filter((line) => line.startsWith("agent"));
    const answered = answers.map((line) => Number(line.split(" ").at(-1)));
    assert.equal(answered.reduce((sum, count) => sum + count, 0), 16, "each message is answered once");
  },
});
