/** Ann's hand-back is repeated, and comes late. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, refused, transcriptBecomes, until } from "../harness/index.js";

const support = defineConversation({
  type: "support",
  onTurn: (ctx, turn) => {
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [support] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Hi", { conversationType: "support" });
    await transcriptBecomes(client, "jo", ["customer: Hi", "agent: You said: Hi"]);
    const { handoffEpoch } = await conversations.handOff("jo", { person: "Ann" });
    await conversations.handBack("jo", { authorName: "Ann", requestId: "r-1" });
    await conversations.handBack("jo", { authorName: "Ann", requestId: "r-1" });
    await conversations.handBack("jo", { authorName: "Ann", handoffEpoch });
    await refused(conversations.handBack("jo", { authorName: "Ann" }), "NOT_HANDED_OFF");
    await refused(conversations.handBack("jo", { authorName: "Bob", requestId: "r-1" }), "REQUEST_ID_REUSED");

    const later = await conversations.handOff("jo", { person: "Bob" });
    assert.equal(later.handoffEpoch, handoffEpoch + 1);
    await refused(conversations.handBack("jo", { authorName: "Ann", handoffEpoch }), "HANDOFF_CHANGED");
    assert.deepEqual((await conversations.get("jo")).handover?.assignee, { person: "Bob" });

    const { sequence } = await conversations.submitMessage("jo", "one");
    await conversations.submitMessage("jo", "two, crossing");
    await conversations.sendHumanMessage("jo", "to one", { authorName: "Bob", seenThrough: sequence });
    assert.equal((await conversations.get("jo")).waitingMessageCount, 1);
    await conversations.handBack("jo", { authorName: "Bob", handoffEpoch: later.handoffEpoch });
    await until("it is answered", async () => (await conversations.get("jo")).unansweredSinceTime === undefined);

    const turnPolicy = { handoffTimeout: { after: "1s" } } as const;
    await conversations.submitMessage("mo", "Hi", { conversationType: "support", turnPolicy });
    await transcriptBecomes(client, "mo", ["customer: Hi", "agent: You said: Hi"]);
    await conversations.handOff("mo", { team: "desk" });
    await conversations.submitMessage("mo", "anybody?");
    await transcriptBecomes(client, "mo", [
      "customer: Hi", "agent: You said: Hi", "system: Handed to team desk", "customer: anybody?",
      "system: Handed back: nobody took it over in time: team desk", "agent: You said: anybody?",
    ]);
  },
});
