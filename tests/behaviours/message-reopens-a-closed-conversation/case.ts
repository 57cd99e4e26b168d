/** The customer comes back after a close, and after an erasure. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, refused, transcriptBecomes } from "../harness/index.js";

const plain = defineConversation({
  type: "plain",
  onTurn: (ctx, turn) => {
    const count = (ctx.state.get<number>("count") ?? 0) + 1;
    ctx.state.set("count", count);
    ctx.reply(`${turn.cause} ${String(count)}, ${String(turn.recent.length)} before: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [plain] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const first = ["customer: one", "agent: message 1, 0 before: one"];
    await conversations.submitMessage("jo", "one", { conversationType: "plain", providerMessageId: "m1" });
    await transcriptBecomes(client, "jo", first);
    await conversations.close("jo", { reason: "solved" });
    await conversations.submitMessage("jo", "one", { providerMessageId: "m1" });
    assert.equal((await conversations.get("jo")).status, "closed", "a duplicate opens nothing");
    await conversations.submitMessage("jo", "two");
    const second = [...first, "customer: two", "agent: reopened 2, 2 before: two"];
    await transcriptBecomes(client, "jo", second);
    await conversations.submitMessage("jo", "three");
    await transcriptBecomes(client, "jo", [...second, "customer: three", "agent: message 3, 4 before: three"]);

    await conversations.update("jo", { turnPolicy: { onClosed: "REFUSE" } });
    await conversations.close("jo");
    await refused(conversations.submitMessage("jo", "four"), "CONVERSATION_CLOSED");

    await conversations.erase("jo");
    await refused(conversations.submitMessage("jo", "five", { conversationType: "plain" }), "CONVERSATION_ERASED");
    const turnPolicy = { onErased: "BEGIN_ANEW" } as const;
    await conversations.submitMessage("jo", "six", { conversationType: "plain", turnPolicy });
    await transcriptBecomes(client, "jo", ["customer: six", "agent: message 1, 0 before: six"]);
    await atRest(client, "jo");
  },
});
