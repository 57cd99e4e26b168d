/** A person takes over, answers and hands back; agents are silent meanwhile. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour, Gate, transcriptBecomes } from "../harness/index.js";

const gate = new Gate();

const support = defineConversation({
  type: "support",
  onTurn: async (ctx, turn) => {
    if (turn.number === 1) {
      await ctx.activity("think");
      ctx.reply("never said");
    }
    const human = turn.recent.filter((it) => it.authorKind === "human").map((it) => it.text);
    ctx.reply(`Back to you: ${turn.text} (after "${human.join()}")`);
  },
});

export default behaviour({
  worker: {
    conversations: [support],
    activities: { think: (_input: unknown, context: ActivityContext) => gate.pass(context.signal) },
  },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "I am angry", { conversationType: "support" });
    await gate.arrived();
    await conversations.handOff("jo", { person: "Ann", reason: "angry customer" });
    assert.deepEqual((await conversations.get("jo")).handover?.assignee, { person: "Ann" });
    await conversations.sendHumanMessage("jo", "Ann here, sorry!", { authorName: "Ann" });
    await conversations.submitMessage("jo", "Thanks. And my bag?");
    await conversations.handBack("jo", { authorName: "Ann", note: "calm now" });
    await transcriptBecomes(client, "jo", [
      "customer: I am angry",
      "system: Handed to Ann: angry customer",
      "human: Ann here, sorry!",
      "customer: Thanks. And my bag?",
      "system: Handed back: calm now",
      'agent: Back to you: Thanks. And my bag? (after "Ann here, sorry!")',
    ]);
    assert.equal((await conversations.get("jo")).handover, undefined);
  },
});
