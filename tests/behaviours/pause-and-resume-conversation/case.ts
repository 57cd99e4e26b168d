/** A paused conversation keeps what comes, says nothing, and goes on where it stood. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, Gate, transcript, transcriptBecomes } from "../harness/index.js";

const gate = new Gate();

const plain = defineConversation({
  type: "plain",
  onTurn: async (ctx, turn) => {
    if (turn.text === "slow") await ctx.activity("think");
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [plain], activities: { think: () => gate.pass() } },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "slow", { conversationType: "plain" });
    await gate.arrived();
    await client.conversations.pause("jo", { reason: "audit" });
    gate.open();
    await client.conversations.submitMessage("jo", "still there?");
    const paused = await client.conversations.get("jo");
    assert.equal(paused.pause?.reason, "audit");
    assert.deepEqual([paused.waitingMessageCount, paused.turnCount], [1, 1]);
    assert.deepEqual(await transcript(client, "jo"), ["customer: slow", "customer: still there?"]);

    await client.conversations.resume("jo");
    await transcriptBecomes(client, "jo", ["customer: slow", "customer: still there?", "agent: You said: slow", "agent: You said: still there?"]);
    assert.equal((await client.conversations.get("jo")).pause, undefined);
  },
});
