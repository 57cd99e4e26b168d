/** A shop brings what was said before, and the customer writes again. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, messages, refused } from "../harness/index.js";

const desk = defineConversation({
  type: "desk",
  onTurn: (ctx, turn) => {
    ctx.reply(`I know: ${turn.recent.map((it) => it.text).join(", ")}`);
  },
});

export default behaviour({
  worker: { conversations: [desk] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));
    const said = [
      { authorKind: "customer", text: "Do you ship to Oslo?", createTime: day(1), channel: "email", providerMessageId: "<1@home>", customerAddress: "jo@example.org" },
      { authorKind: "human", authorName: "Kim", text: "We do.", createTime: day(2), channel: "email" },
      { authorKind: "human", authorName: "Kim", text: "asks often", createTime: day(3), channel: "email", isNote: true },
    ] as const;
    const options = { conversationType: "desk", addresses: { email: "jo@example.org" }, replyChannel: "email", labels: { from: "old" } };
    assert.equal(await conversations.importTranscript("jo", said, options), 3);
    assert.equal(await conversations.importTranscript("jo", said, options), 3);
    const info = await conversations.get("jo");
    assert.deepEqual([info.turnCount, info.messageCount, info.unansweredSinceTime, info.labels["from"]], [0, 3, undefined, "old"]);
    assert.deepEqual((await messages(client, "jo")).map((it) => [it.text, it.createTime.getTime()]), said.slice(0, 2).map((it) => [it.text, it.createTime.getTime()]));

    const from = { channel: "email", address: "jo@example.org" };
    const again = await conversations.submitMessageFrom(from, "Do you ship to Oslo?", { providerMessageId: "<1@home>" });
    assert.deepEqual([again.conversationId, again.sequence], ["jo", 1]);
    await conversations.submitMessageFrom(from, "And to Bergen?", { providerMessageId: "<2@home>" });
    await atRest(client, "jo");
    const all = await messages(client, "jo");
    assert.match(all.at(-1)?.text ?? "", /^I know: Do you ship to Oslo\?, We do\./);
    await refused(conversations.importTranscript("jo", [...said, ...said], options), "CONVERSATION_EXISTS");
    const future = [{ authorKind: "customer", text: "?", createTime: new Date(Date.now() + 86_400_000) }] as const;
    await refused(conversations.importTranscript("new", future, options), "FIELD_INVALID");
  },
});
