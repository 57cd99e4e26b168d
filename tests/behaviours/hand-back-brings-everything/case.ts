/** Two hundred messages, some of them large. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, until } from "../harness/index.js";

const support = defineConversation({
  type: "support",
  onTurn: async (ctx) => {
    const { messages } = await ctx.handOff({ team: "desk" });
    ctx.state.set("texts", messages.map((it) => it.text.slice(0, 12)));
    ctx.reply("I have read it all.");
  },
});

export default behaviour({
  worker: { conversations: [support] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Hi", { conversationType: "support" });
    await until("it is the desk's", async () => (await conversations.get("jo")).handover !== undefined);
    const expected: string[] = [];
    for (let number = 0; number < 100; number += 1) {
      const large = number % 25 === 0 ? "x".repeat(400_000) : "";
      await conversations.submitMessage("jo", `question ${String(number)} ${large}`);
      await conversations.sendHumanMessage("jo", `answer ${String(number)}`, { authorName: "Ann" });
      expected.push(`question ${String(number)} ${large}`.slice(0, 12), `answer ${String(number)}`);
    }
    await conversations.handBack("jo");
    const texts = await until("the code has read it", async () => (await conversations.get("jo")).state["texts"] as string[] | undefined);
    assert.deepEqual(texts, expected);
  },
});
