/** Erased: the words are gone, the counts stay. */

import assert from "node:assert/strict";
import { defineConversation, RpcError } from "everturn";
import { behaviour, journal, refused, transcriptBecomes } from "../harness/index.js";

const plain = defineConversation({
  type: "plain",
  onTurn: (ctx, turn) => {
    ctx.state.set("said", turn.text);
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [plain] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "my secret", { conversationType: "plain", labels: { vip: "yes" }, customerAddress: "jo@example.org" });
    await transcriptBecomes(client, "jo", ["customer: my secret", "agent: You said: my secret"]);
    assert.deepEqual(await conversations.erase("jo", { reason: "asked for" }), { messageCount: 2, runCount: 1 });

    const tombstone = await conversations.get("jo");
    assert.deepEqual([tombstone.status, tombstone.messageCount, tombstone.erasedRunCount], ["erased", 2, 1]);
    assert.deepEqual([tombstone.state, tombstone.labels, tombstone.addresses], [{}, {}, {}]);
    const seen: unknown[] = [tombstone];
    try {
      for await (const message of conversations.listMessages("jo")) seen.push(message.text);
      seen.push(await journal(client, "jo/turn-1"));
    } catch (error) {
      assert.ok(error instanceof RpcError);
    }
    assert.ok(!JSON.stringify(seen).includes("secret"));
    await refused(conversations.submitMessage("jo", "again", { conversationType: "plain" }), "CONVERSATION_ERASED");
  },
});
