/** The evening's news is told in the morning, or when the customer turns out to be awake. */

import assert from "node:assert/strict";
import { type ClockTime, defineConversation } from "everturn";
import { atRest, behaviour, Gate, transcript, transcriptBecomes } from "../harness/index.js";

const gates = { morning: new Gate(), awake: new Gate() };

const news = defineConversation({
  type: "news",
  onTurn: async (ctx, turn) => {
    if (turn.cause === "event") {
      await ctx.activity("think", turn.conversationId);
      const { heldUntil } = await ctx.reply("Your parcel is late.").recorded();
      ctx.state.set("held", heldUntil !== undefined);
    } else {
      ctx.reply(`You said: ${turn.text}`);
    }
  },
});

/** A time of day, so many hours from now (UTC). */
function hoursFromNow(hours: number): ClockTime {
  return new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16) as ClockTime;
}

export default behaviour({
  worker: { conversations: [news], activities: { think: (id: "morning" | "awake") => gates[id].pass() } },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const night = { quietHours: { start: hoursFromNow(-2), end: hoursFromNow(2) } };
    for (const id of ["morning", "awake"] as const) {
      await conversations.submitEvent(id, "order-delayed", {}, { conversationType: "news", replyChannel: "chat" });
      await gates[id].arrived();
      await conversations.update(id, { turnPolicy: night });
      gates[id].open();
      await atRest(client, id);
      const { state } = await conversations.get(id);
      assert.deepEqual([state["held"], await transcript(client, id)], [true, []]);
    }
    await conversations.update("morning", { turnPolicy: { noQuietHours: true } });
    await transcriptBecomes(client, "morning", ["agent: Your parcel is late."]);
    await conversations.submitMessage("awake", "Hello?");
    await transcriptBecomes(client, "awake", ["customer: Hello?", "agent: Your parcel is late.", "agent: You said: Hello?"]);
  },
});
