/** One question is over the cap, another one falls into the night. */

import assert from "node:assert/strict";
import { type ClockTime, defineConversation, QuestionSuppressedError, textOf } from "everturn";
import { atRest, behaviour, Gate, transcript, transcriptBecomes, until } from "../harness/index.js";

const gate = new Gate();

const eager = defineConversation({
  type: "eager",
  onTurn: async (ctx, turn) => {
    if (turn.cause === "message") {
      ctx.reply(`You said: ${turn.text}`);
      return;
    }
    if (turn.conversationId === "night") await ctx.activity("think");
    else ctx.reply("News!");
    try {
      ctx.reply(`Then: ${textOf(await ctx.ask("Shall we?"))}`);
    } catch (error) {
      if (!(error instanceof QuestionSuppressedError)) throw error;
      ctx.state.set("reason", error.reason);
    }
  },
});

/** A time of day, so many hours from now (UTC). */
function hoursFromNow(hours: number): ClockTime {
  return new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16) as ClockTime;
}

export default behaviour({
  worker: { conversations: [eager], activities: { think: () => gate.pass() } },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const capped = { frequencyCap: { maxMessages: 1, window: "1h" } } as const;
    await conversations.submitEvent("capped", "sale", {}, { conversationType: "eager", replyChannel: "chat", turnPolicy: capped });
    await transcriptBecomes(client, "capped", ["agent: News!"]);
    assert.equal((await conversations.get("capped")).state["reason"], "frequencyCap");
    await conversations.submitMessage("capped", "yes");
    await transcriptBecomes(client, "capped", ["agent: News!", "customer: yes", "agent: You said: yes"]);

    // The turn begins in the evening, and asks at night.
    await conversations.submitEvent("night", "sale", {}, { conversationType: "eager", replyChannel: "chat" });
    await gate.arrived();
    await conversations.update("night", { turnPolicy: { quietHours: { start: hoursFromNow(-2), end: hoursFromNow(2) } } });
    gate.open();
    await until("it asks", async () => (await conversations.get("night")).turn?.status === "asking");
    assert.deepEqual(await transcript(client, "night"), []);
    await conversations.update("night", { turnPolicy: { noQuietHours: true } });
    await until("the question has left", async () => (await transcript(client, "night")).length === 1);
    await conversations.submitMessage("night", "yes");
    await transcriptBecomes(client, "night", ["agent: Shall we?", "customer: yes", "agent: Then: yes"]);
    await atRest(client, "night");
  },
});
