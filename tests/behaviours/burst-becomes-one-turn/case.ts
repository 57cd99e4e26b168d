/** Three messages in a row get one answer. */

import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const counting = defineConversation({
  type: "counting",
  turnPolicy: { debounce: { quiet: "2s" } },
  onTurn: (ctx, turn) => {
    const heard = turn.messages.map((message) => message.text).join(" ");
    ctx.reply(`turn ${String(turn.number)} heard: ${heard}`);
  },
});

export default behaviour({
  worker: { conversations: [counting] },
  scenario: async ({ client }) => {
    // The worker sets the policy of its type when it starts; here the first message brings it too.
    const opening = { conversationType: "counting", turnPolicy: { debounce: { quiet: "2s" } } } as const;
    for (const word of ["my", "parcel", "is late"]) await client.conversations.submitMessage("jo", word, opening);
    await transcriptBecomes(client, "jo", ["customer: my", "customer: parcel", "customer: is late", "agent: turn 1 heard: my parcel is late"]);

    // `maxMessages` ends a burst at once, however long the quiet would be.
    const full = { conversationType: "counting", turnPolicy: { debounce: { quiet: "1h", maxMessages: 2 } } } as const;
    for (const word of ["one", "two"]) await client.conversations.submitMessage("kim", word, full);
    await transcriptBecomes(client, "kim", ["customer: one", "customer: two", "agent: turn 1 heard: one two"]);
  },
});
