/** A new policy holds at once: for the running turn, and for what waits. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour, Gate, transcriptBecomes } from "../harness/index.js";

const gate = new Gate();

const slow = defineConversation({
  type: "slow",
  onTurn: async (ctx, turn) => {
    if (turn.number === 1) await ctx.activity("think");
    ctx.reply(`turn ${String(turn.number)}: ${turn.messages.map((it) => it.text).join(", ")}`);
  },
});

export default behaviour({
  worker: {
    conversations: [slow],
    activities: { think: (_input: unknown, context: ActivityContext) => gate.pass(context.signal) },
  },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const turnPolicy = { onBusy: "QUEUE", debounce: { quiet: "1h" } } as const;
    await conversations.submitMessage("jo", "one", { conversationType: "slow", turnPolicy });
    assert.equal((await conversations.get("jo")).turn, undefined);
    // Without the long quiet the message that waits becomes a turn.
    await conversations.update("jo", { turnPolicy: { debounce: { quiet: 0 } } });
    await gate.arrived();

    const changed = await conversations.update("jo", { turnPolicy: { onBusy: "INTERRUPT" } });
    assert.equal(changed.turnPolicy.onBusy, "INTERRUPT");
    await conversations.submitMessage("jo", "two");
    await transcriptBecomes(client, "jo", ["customer: one", "customer: two", "agent: turn 2: one, two"]);
  },
});
