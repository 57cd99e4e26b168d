/** One message is left without a word, another one with a reason. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, until } from "../harness/index.js";

const quiet = defineConversation({
  type: "quiet",
  onTurn: (ctx, turn) => {
    if (turn.text === "thank you") ctx.noReply("it says thank you");
  },
});

export default behaviour({
  worker: { conversations: [quiet] },
  scenario: async ({ client }) => {
    const { conversations, workflows } = client;
    await conversations.submitMessage("jo", "where is it?", { conversationType: "quiet" });
    await until("the turn has ended", async () => (await conversations.get("jo")).lastTurn !== undefined);
    const left = await conversations.get("jo");
    assert.deepEqual([left.lastTurn?.status, left.unansweredMessageCount, left.wait?.reason], ["completed", 0, "unanswered"]);
    assert.ok(left.unansweredSinceTime !== undefined);

    await conversations.submitMessage("jo", "thank you");
    await until("the second turn has ended", async () => (await conversations.get("jo")).lastTurn?.number === 2);
    await atRest(client, "jo");
    const done = await conversations.get("jo");
    assert.deepEqual([done.lastTurn?.noReplyReason, done.unansweredSinceTime, done.wait], ["it says thank you", undefined, undefined]);
    const kinds: (string | undefined)[] = [];
    for await (const event of workflows.history("jo/turn-2")) kinds.push(event.kind.case);
    assert.ok(kinds.includes("noReplyRecorded"));
  },
});
