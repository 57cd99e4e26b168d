/** The watcher is there first. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour } from "../harness/index.js";

const plain = defineConversation({
  type: "plain",
  onTurn: (ctx, turn) => {
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [plain] },
  scenario: async ({ client }) => {
    const seen: string[] = [];
    for await (const update of client.conversations.watch("jo")) {
      if (update.type === "caught up") await client.conversations.submitMessage("jo", "Hi", { conversationType: "plain" });
      if (update.type === "message") seen.push(update.message.text);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, ["Hi", "You said: Hi"]);
  },
});
