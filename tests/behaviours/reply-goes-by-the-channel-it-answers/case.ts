/** A mail comes while the answer to an SMS is made: the answer goes out by SMS. */

import assert from "node:assert/strict";
import { defineActivity, defineConversation, implementActivity } from "everturn";
import { behaviour, Gate, messages, transcriptBecomes } from "../harness/index.js";

const think = defineActivity("think");
const gate = new Gate();
const slow = defineConversation({
  type: "slow",
  onTurn: async (ctx, turn) => {
    if (turn.number === 1) await ctx.activity(think);
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [slow], activities: [implementActivity(think, () => gate.pass())] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "by phone", { conversationType: "slow", channel: "sms" });
    await gate.arrived();
    await conversations.submitMessage("jo", "by mail", { channel: "email" });
    gate.open();
    await transcriptBecomes(client, "jo", ["customer: by phone", "customer: by mail", "agent: You said: by phone", "agent: You said: by mail"]);
    assert.deepEqual((await messages(client, "jo")).map((it) => it.channel), ["sms", "email", "sms", "email"]);
  },
});
