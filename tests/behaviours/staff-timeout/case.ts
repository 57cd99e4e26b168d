/** When a customer had no answer for too long, a turn with the cause `staffTimeout` starts. */

import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const silent = defineConversation({
  type: "silent",
  onTurn: () => {
    // Has no answer, and ends.
  },
  onStaffTimeout: (ctx, turn) => {
    ctx.reply(`Sorry for the wait (${turn.cause}).`);
  },
});

export default behaviour({
  worker: { conversations: [silent] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Anybody?", { conversationType: "silent", turnPolicy: { staffTimeout: "1s" } });
    await transcriptBecomes(client, "jo", ["customer: Anybody?", "agent: Sorry for the wait (staffTimeout)."]);
  },
});
