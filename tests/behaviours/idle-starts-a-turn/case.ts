/** When nobody writes for a while, a turn with the cause `idle` starts. */

import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const polite = defineConversation({
  type: "polite",
  onTurn: (ctx) => {
    ctx.reply("Done.");
  },
  onIdle: (ctx, turn) => {
    ctx.reply(`Anything else? (${turn.cause})`);
  },
});

export default behaviour({
  worker: { conversations: [polite] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Do it", { conversationType: "polite", turnPolicy: { idleTimeout: "1s" } });
    await transcriptBecomes(client, "jo", ["customer: Do it", "agent: Done.", "agent: Anything else? (idle)"]);
  },
});
