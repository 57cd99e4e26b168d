/** With QUEUE, what comes while a turn is running is answered by the next turn. */

import { defineConversation } from "everturn";
import { behaviour, Gate, transcriptBecomes } from "../harness/index.js";

const gate = new Gate();

const slow = defineConversation({
  type: "slow",
  onTurn: async (ctx, turn) => {
    await ctx.activity("think");
    ctx.reply(`${String(turn.number)}: ${turn.messages.map((it) => it.text).join(", ")}`);
  },
});

export default behaviour({
  worker: { conversations: [slow], activities: { think: () => gate.pass() } },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "first", { conversationType: "slow", turnPolicy: { onBusy: "QUEUE" } });
    await gate.arrived();
    await client.conversations.submitMessage("jo", "second");
    await client.conversations.submitMessage("jo", "third");
    gate.open();
    await transcriptBecomes(client, "jo", ["customer: first", "customer: second", "customer: third", "agent: 1: first", "agent: 2: second, third"]);
  },
});
