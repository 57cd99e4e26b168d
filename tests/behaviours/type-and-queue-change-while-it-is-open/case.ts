/** The webhook of the sales channel opened a support conversation. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";

const sales = defineConversation({
  type: "sales",
  onTurn: (ctx, turn) => {
    ctx.reply(`Sales: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [sales], taskQueue: "sales" },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const turnPolicy = { debounce: { quiet: "2s" } } as const;
    await conversations.submitMessage("jo", "a discount?", { conversationType: "suport", taskQueue: "nobody", turnPolicy });
    const changed = await conversations.update("jo", { conversationType: "sales", taskQueue: "sales" });
    assert.deepEqual([changed.conversationType, changed.taskQueue], ["sales", "sales"]);
    await transcriptBecomes(client, "jo", ["customer: a discount?", "agent: Sales: a discount?"]);
    await until("it rests", async () => (await conversations.get("jo")).turn === undefined);
  },
});
