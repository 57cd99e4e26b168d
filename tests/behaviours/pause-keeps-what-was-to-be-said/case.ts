/** The reply is ready while the conversation is paused, or a person's. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { defineConversation, textOf } from "everturn";
import { atRest, behaviour, transcript, transcriptBecomes, until } from "../harness/index.js";

let steps = 0;

const slow = defineConversation({
  type: "slow",
  onTurn: async (ctx, turn) => {
    if (turn.conversationId === "owned") {
      if (turn.number === 1) {
        const handedBack = ctx.handOff({ person: "Ann" });
        ctx.reply("never said");
        await handedBack;
      } else {
        ctx.reply(`You said: ${turn.text}`);
      }
      return;
    }
    const answer = await ctx.ask("Which order?");
    await ctx.run("look", async () => {
      steps += 1;
      await sleep(900);
    });
    ctx.reply(`Found ${textOf(answer)}`);
  },
});

export default behaviour({
  worker: { conversations: [slow] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Where is it?", { conversationType: "slow" });
    await until("it asks", async () => (await conversations.get("jo")).turn?.status === "asking");
    await conversations.submitMessage("jo", "number 7");
    await until("the step runs", () => steps > 0);
    await conversations.pause("jo", { reason: "audit" });
    await sleep(1_500);
    const asked = ["customer: Where is it?", "agent: Which order?", "customer: number 7"];
    assert.deepEqual(await transcript(client, "jo"), asked);
    assert.notEqual((await conversations.get("jo")).unansweredSinceTime, undefined);
    await conversations.resume("jo");
    await transcriptBecomes(client, "jo", [...asked, "agent: Found number 7"]);
    assert.deepEqual([(await conversations.get("jo")).turnCount, (await conversations.get("jo")).unansweredSinceTime], [1, undefined]);

    await conversations.submitMessage("owned", "Hi", { conversationType: "slow" });
    await until("it is Ann's", async () => (await conversations.get("owned")).handover !== undefined);
    await conversations.handBack("owned", { authorName: "Ann" });
    await transcriptBecomes(client, "owned", ["customer: Hi", "system: Handed to Ann", "system: Handed back", "agent: You said: Hi"]);
    await atRest(client, "owned");
  },
});
