/** An event wakes a conversation, and its handler writes first. */

import assert from "node:assert/strict";
import { defineConversation, defineEvent, handleEvent } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const orderDelayed = defineEvent<{ readonly order: string; readonly days: number }>("order-delayed");

const support = defineConversation({
  type: "support",
  onEvent: [
    handleEvent(orderDelayed, (ctx, turn, { payload }) => {
      ctx.reply(`${turn.cause}: ${payload.order} is ${String(payload.days)} days late`);
    }),
  ],
  onTurn: (ctx, turn) => {
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [support] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Hi", { conversationType: "support" });
    await transcriptBecomes(client, "jo", ["customer: Hi", "agent: You said: Hi"]);
    const event = { order: "NT-12", days: 3 };
    const first = await client.conversations.submitEvent("jo", orderDelayed, event, { eventId: "late-12" });
    await transcriptBecomes(client, "jo", ["customer: Hi", "agent: You said: Hi", "agent: event: NT-12 is 3 days late"]);

    // The same event again changes nothing.
    assert.deepEqual(await client.conversations.submitEvent("jo", orderDelayed, event, { eventId: "late-12" }), first);
    assert.equal((await client.conversations.get("jo")).turnCount, 2);
  },
});
