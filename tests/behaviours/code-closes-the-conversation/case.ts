/** The agent says goodbye, once to somebody who has just written again. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, Gate, transcript, transcriptBecomes } from "../harness/index.js";

const gate = new Gate();

const polite = defineConversation({
  type: "polite",
  onTurn: async (ctx, turn) => {
    if (turn.text === "slow bye") await ctx.activity("think");
    if (turn.text.endsWith("bye")) {
      ctx.reply("Bye!");
      ctx.closeConversation("solved");
      ctx.reply("never said");
    } else {
      ctx.reply(`You said: ${turn.text}`);
    }
  },
});

export default behaviour({
  worker: { conversations: [polite], activities: { think: () => gate.pass() } },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "bye", { conversationType: "polite" });
    await transcriptBecomes(client, "jo", ["customer: bye", "agent: Bye!"]);
    assert.equal((await conversations.get("jo")).status, "closed");

    await conversations.submitMessage("mo", "slow bye", { conversationType: "polite" });
    await gate.arrived();
    await conversations.submitMessage("mo", "one more thing");
    gate.open();
    await atRest(client, "mo");
    const lines = await transcript(client, "mo");
    assert.equal(lines.at(-1), "agent: You said: one more thing");
    assert.equal((await conversations.get("mo")).status, "open");
  },
});
