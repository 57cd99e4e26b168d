/** Code hands the conversation to a team, and goes on once it is handed back. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";

const support = defineConversation({
  type: "support",
  onTurn: async (ctx) => {
    ctx.reply("I ask a colleague.");
    const back = await ctx.handOff({ team: "billing", reason: "large refund", context: { amount: 900 } });
    const written = back.messages.map((it) => `${it.authorKind} ${it.text}`).join("; ");
    ctx.reply(`${back.by} says "${back.note}"; meanwhile: ${written}`);
  },
});

export default behaviour({
  worker: { conversations: [support] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "900 back, please", { conversationType: "support" });
    const handover = await until("it is handed off", async () => (await conversations.get("jo")).handover);
    assert.deepEqual([handover.assignee, handover.reason, handover.context], [{ team: "billing" }, "large refund", { amount: 900 }]);
    await conversations.sendHumanMessage("jo", "Done.", { authorName: "Bea" });
    await conversations.submitMessage("jo", "Great");
    await conversations.handBack("jo", { authorName: "Bea", note: "refunded" });
    await transcriptBecomes(client, "jo", [
      "customer: 900 back, please",
      "agent: I ask a colleague.",
      "system: Handed to team billing: large refund",
      "human: Done.",
      "customer: Great",
      "system: Handed back: refunded",
      'agent: Bea says "refunded"; meanwhile: human Done.; customer Great',
    ]);
    assert.equal((await conversations.get("jo")).turnCount, 1);
  },
});
