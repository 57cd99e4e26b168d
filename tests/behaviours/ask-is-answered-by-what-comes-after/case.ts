/** "Cancel it" was written before "Which order?" was asked. */

import assert from "node:assert/strict";
import { defineConversation, type AnswerMessage } from "everturn";
import { behaviour, Gate, transcript, transcriptBecomes, until } from "../harness/index.js";

const gates = { strict: new Gate(), lenient: new Gate() };

const asking = defineConversation({
  type: "asking",
  onTurn: async (ctx, turn) => {
    const acceptEarlier = turn.conversationId === "lenient";
    await ctx.activity("think", acceptEarlier ? "lenient" : "strict");
    const answer: readonly AnswerMessage[] = await ctx.ask("Which order?", { acceptEarlier });
    ctx.reply(answer.map((it) => `${it.isEarlier ? "(earlier) " : ""}${it.text}`).join(", "));
  },
});

export default behaviour({
  worker: { conversations: [asking], activities: { think: (which: "strict" | "lenient") => gates[which].pass() } },
  scenario: async ({ client }) => {
    const { conversations } = client;
    for (const id of ["strict", "lenient"] as const) {
      await conversations.submitMessage(id, "Hi", { conversationType: "asking" });
      await gates[id].arrived();
      await conversations.submitMessage(id, "cancel it");
      gates[id].open();
    }
    await transcriptBecomes(client, "lenient", ["customer: Hi", "customer: cancel it", "agent: Which order?", "agent: cancel it"]);

    await until("the question is there", async () => (await transcript(client, "strict")).length === 3);
    const asked = await conversations.get("strict");
    assert.deepEqual([asked.turn?.status, asked.waitingMessageCount], ["asking", 1]);
    await conversations.submitMessage("strict", "number 7");
    await transcriptBecomes(client, "strict", [
      "customer: Hi", "customer: cancel it", "agent: Which order?", "customer: number 7", "agent: (earlier) cancel it, number 7",
    ]);
  },
});
