/** With INTERRUPT, a newer message ends the turn: its activity is canceled, its late reply never leaves. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation, TurnInterruptedError } from "everturn";
import { behaviour, Gate, transcriptBecomes, until } from "../harness/index.js";

const gate = new Gate();
const seen: string[] = [];

const hasty = defineConversation({
  type: "hasty",
  onTurn: async (ctx, turn) => {
    if (turn.number > 1) {
      ctx.reply(`about: ${turn.messages.map((it) => it.text).join(", ")}`);
      return;
    }
    try {
      await ctx.activity("think");
    } catch (error) {
      if (!(error instanceof TurnInterruptedError)) throw error;
      ctx.reply("too late");
      // Clean-up may still run activities.
      await ctx.shield(() => ctx.activity("undo"));
      throw error;
    }
  },
});

const activities = {
  think: async (_input: unknown, context: ActivityContext) => {
    try {
      await gate.pass(context.signal);
    } finally {
      seen.push(`think stops: ${String(context.cancelReason)}`);
    }
  },
  undo: () => {
    seen.push("undo");
  },
};

export default behaviour({
  worker: { conversations: [hasty], activities },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "a red one", { conversationType: "hasty", turnPolicy: { onBusy: "INTERRUPT" } });
    await gate.arrived();
    await client.conversations.submitMessage("jo", "no, a blue one");
    // The turn had said nothing, so its message comes again.
    await transcriptBecomes(client, "jo", ["customer: a red one", "customer: no, a blue one", "agent: about: a red one, no, a blue one"]);
    await until("the clean-up is over", () => seen.length === 2);
    assert.deepEqual([...seen].sort(), ["think stops: requested", "undo"]);
    const first = await client.workflows.describe("jo/turn-1");
    assert.equal(first.status, "canceled");
  },
});
