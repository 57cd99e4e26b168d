/** A turn throws, another one is terminated: the third is given everything. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, Gate, transcriptBecomes, until } from "../harness/index.js";

const gate = new Gate();
let isDown = true;

const desk = defineConversation({
  type: "desk",
  onTurn: async (ctx, turn) => {
    if (isDown && turn.number === 1) throw new TypeError("the model said no");
    if (turn.number === 2) await ctx.activity("work");
    ctx.reply(turn.messages.map((it) => it.text).join(", "));
  },
});

export default behaviour({
  worker: { conversations: [desk], activities: { work: () => gate.pass() } },
  scenario: async ({ client }) => {
    const { conversations, workflows } = client;
    await conversations.submitMessage("jo", "one", { conversationType: "desk" });
    const failed = await until("the turn has failed", async () => {
      const found = await conversations.get("jo");
      return found.lastTurn === undefined ? undefined : found;
    });
    assert.deepEqual([failed.turn, failed.lastTurn?.number, failed.lastTurn?.status], [undefined, 1, "failed"]);
    assert.deepEqual([failed.lastTurn?.failure?.type, failed.lastTurn?.failure?.message], ["TypeError", "the model said no"]);
    assert.equal(failed.unansweredMessageCount, 1);
    assert.equal(failed.wait?.reason, "unanswered");
    assert.match(failed.wait.text, /turn 1 failed: TypeError: the model said no/);
    const since = failed.unansweredSinceTime;
    assert.ok(since !== undefined, "the customer waits");
    await until("it is found by its age", async () => {
      const found: string[] = [];
      const unansweredBefore = new Date(since.getTime() + 1);
      for await (const it of conversations.list({ unansweredBefore })) found.push(it.conversationId);
      return found.join() === "jo";
    });
    for await (const it of conversations.list({ unansweredBefore: since })) assert.fail(`${it.conversationId} is not that old`);

    isDown = false;
    await conversations.submitMessage("jo", "two");
    await gate.arrived();
    await workflows.terminate("jo/turn-2", { reason: "it takes too long" });
    await until("the turn was terminated", async () => (await conversations.get("jo")).lastTurn?.status === "terminated");
    await atRest(client, "jo");
    assert.equal((await conversations.get("jo")).unansweredMessageCount, 2);

    await conversations.submitMessage("jo", "three");
    await transcriptBecomes(client, "jo", ["customer: one", "customer: two", "customer: three", "agent: one, two, three"]);
    const answered = await conversations.get("jo");
    assert.deepEqual([answered.unansweredSinceTime, answered.wait, answered.lastTurn?.hasReplied], [undefined, undefined, true]);
  },
});
