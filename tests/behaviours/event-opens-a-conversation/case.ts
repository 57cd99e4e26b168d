/** An event opens a conversation that the customer never wrote in. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, messages, transcriptBecomes } from "../harness/index.js";

const sales = defineConversation({
  type: "sales",
  onEvent: {
    "cart-abandoned": (ctx, _turn, event) => {
      ctx.reply(`You left ${String((event.payload as { items: number }).items)} things in your cart.`);
    },
  },
});

export default behaviour({
  worker: { conversations: [sales] },
  scenario: async ({ client }) => {
    const opening = { conversationType: "sales", replyChannel: "chat", labels: { source: "shop" } };
    await client.conversations.submitEvent("jo", "cart-abandoned", { items: 2 }, opening);
    await transcriptBecomes(client, "jo", ["agent: You left 2 things in your cart."]);
    assert.equal((await messages(client, "jo"))[0]?.channel, "chat");
    assert.deepEqual((await client.conversations.get("jo")).labels, { source: "shop" });
  },
});
