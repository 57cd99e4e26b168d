/** Ann writes without having been handed anything. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour, Gate, refused, transcript, transcriptBecomes } from "../harness/index.js";

const gate = new Gate();

const support = defineConversation({
  type: "support",
  onTurn: async (ctx, turn) => {
    if (turn.text === "slow") await ctx.activity("think");
    ctx.reply(`You said: ${turn.text}`);
  },
});

export default behaviour({
  worker: { conversations: [support], activities: { think: (_: unknown, context: ActivityContext) => gate.pass(context.signal) } },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "slow", { conversationType: "support" });
    await gate.arrived();
    const sent = await conversations.sendHumanMessage("jo", "Ann here", { authorName: "Ann" });
    assert.deepEqual([sent.tookOver, sent.isEcho], [true, false]);
    const { handover } = await conversations.get("jo");
    assert.deepEqual([handover?.assignee, handover?.isTaken], [{ person: "Ann" }, true]);
    await refused(conversations.sendHumanMessage("jo", "Bob here", { authorName: "Bob" }), "WRONG_ASSIGNEE");
    await conversations.submitMessage("jo", "thanks");
    await conversations.handBack("jo", { authorName: "Ann" });
    await transcriptBecomes(client, "jo", [
      "customer: slow", "system: Handed to Ann: wrote to the customer", "human: Ann here", "customer: thanks", "system: Handed back",
      "agent: You said: thanks",
    ]);

    await conversations.submitMessage("keep", "Hi", { conversationType: "support", turnPolicy: { onHumanMessage: "KEEP" } });
    await transcriptBecomes(client, "keep", ["customer: Hi", "agent: You said: Hi"]);
    assert.equal((await conversations.sendHumanMessage("keep", "By the way", { authorName: "Ann" })).tookOver, false);
    assert.equal((await conversations.get("keep")).handover, undefined);

    await conversations.submitMessage("refuse", "Hi", { conversationType: "support", turnPolicy: { onHumanMessage: "REFUSE" } });
    await transcriptBecomes(client, "refuse", ["customer: Hi", "agent: You said: Hi"]);
    await refused(conversations.sendHumanMessage("refuse", "Ann here", { authorName: "Ann" }), "NOT_HANDED_OFF");
    assert.equal((await transcript(client, "refuse")).length, 2);
  },
});
