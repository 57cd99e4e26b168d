/** A turn that asks waits for the answer, and goes on in the middle of its code. */

import assert from "node:assert/strict";
import { defineConversation, textOf } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";

const asking = defineConversation({
  type: "asking",
  onTurn: async (ctx, turn) => {
    const answer = await ctx.ask("Which order?");
    ctx.reply(`${turn.text} -> ${textOf(answer)}`);
  },
});

export default behaviour({
  worker: { conversations: [asking] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Where is it?", { conversationType: "asking" });
    await until("the turn asks", async () => (await client.conversations.get("jo")).turn?.status === "asking");
    await client.conversations.submitMessage("jo", "NT-12");
    await transcriptBecomes(client, "jo", ["customer: Where is it?", "agent: Which order?", "customer: NT-12", "agent: Where is it? -> NT-12"]);
    assert.equal((await client.conversations.get("jo")).turnCount, 1);
  },
});
