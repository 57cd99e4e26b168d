/** What agents write first beyond the cap is suppressed; answers are not. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, transcriptBecomes } from "../harness/index.js";

const eager = defineConversation({
  type: "eager",
  onTurn: async (ctx, turn) => {
    const record = await ctx.reply(turn.cause === "event" ? `News: ${turn.events[0]?.type ?? ""}` : `You said: ${turn.text}`).recorded();
    if (record.suppressed !== undefined) ctx.state.set("suppressed", record.suppressed);
  },
});

export default behaviour({
  worker: { conversations: [eager] },
  scenario: async ({ client }) => {
    const turnPolicy = { frequencyCap: { maxMessages: 1, window: "1h" } } as const;
    await client.conversations.submitEvent("jo", "sale", {}, { conversationType: "eager", replyChannel: "chat", turnPolicy });
    await transcriptBecomes(client, "jo", ["agent: News: sale"]);
    await client.conversations.submitEvent("jo", "more-sale", {});
    await atRest(client, "jo");
    await client.conversations.submitMessage("jo", "Enough");
    await transcriptBecomes(client, "jo", ["agent: News: sale", "customer: Enough", "agent: You said: Enough"]);
    assert.equal((await client.conversations.get("jo")).state["suppressed"], "frequencyCap");
  },
});
