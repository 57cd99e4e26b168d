/** A message that a provider hands in twice is one message. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const plain = defineConversation({
  type: "plain",
  onTurn: (ctx, turn) => {
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [plain] },
  scenario: async ({ client }) => {
    const options = { conversationType: "plain", channel: "chat", providerMessageId: "m-1" };
    const first = await client.conversations.submitMessage("jo", "Hi", options);
    await transcriptBecomes(client, "jo", ["customer: Hi", "agent: You said: Hi"]);
    const again = await client.conversations.submitMessage("jo", "Hi", options);
    assert.deepEqual(again, first);

    // The same id on another channel is another message.
    await client.conversations.submitMessage("jo", "Ho", { ...options, channel: "sms" });
    await transcriptBecomes(client, "jo", ["customer: Hi", "agent: You said: Hi", "customer: Ho", "agent: You said: Ho"]);
    assert.equal((await client.conversations.get("jo")).turnCount, 2);
  },
});
