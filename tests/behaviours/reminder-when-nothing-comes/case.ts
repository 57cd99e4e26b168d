/** A bounded wait for the customer: remind once, then give up. */

import { defineConversation, textOf } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";

const patient = defineConversation({
  type: "patient",
  onTurn: async (ctx, turn) => {
    const ask = ctx.ask("Which order?");
    let answer = await ask.within("200ms");
    if (answer === undefined) {
      ctx.reply("Still there?");
      answer = await ask.within(turn.text === "stay" ? "1h" : "200ms");
    }
    ctx.reply(answer === undefined ? "Write again whenever you like." : `Thanks for ${textOf(answer)}`);
  },
});

export default behaviour({
  worker: { conversations: [patient] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("gone", "leave", { conversationType: "patient" });
    await transcriptBecomes(client, "gone", [
      "customer: leave",
      "agent: Which order?",
      "agent: Still there?",
      "agent: Write again whenever you like.",
    ]);

    // The ask stays open over the reminder: a late answer is its answer.
    await client.conversations.submitMessage("late", "stay", { conversationType: "patient" });
    await until("it was reminded", async () => (await client.conversations.get("late")).messageCount === 3);
    await client.conversations.submitMessage("late", "NT-12");
    await transcriptBecomes(client, "late", [
      "customer: stay",
      "agent: Which order?",
      "agent: Still there?",
      "customer: NT-12",
      "agent: Thanks for NT-12",
    ]);
  },
});
