/** When the customer does not answer, a turn with the cause `customerTimeout` starts. */

import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const caring = defineConversation({
  type: "caring",
  onTurn: (ctx) => {
    ctx.reply("Did that help?");
  },
  onCustomerTimeout: (ctx, turn) => {
    ctx.reply(`I take that as a yes (${turn.cause}).`);
  },
});

export default behaviour({
  worker: { conversations: [caring] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Help", { conversationType: "caring", turnPolicy: { customerTimeout: "1s" } });
    await transcriptBecomes(client, "jo", ["customer: Help", "agent: Did that help?", "agent: I take that as a yes (customerTimeout)."]);
  },
});
