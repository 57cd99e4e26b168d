/** In quiet hours agents do not write first: events wait, messages do not. */

import assert from "node:assert/strict";
import { type ClockTime, defineConversation } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const night = defineConversation({
  type: "night",
  onTurn: (ctx, turn) => {
    ctx.reply(`${turn.cause}: ${[...turn.events.map((it) => it.type), ...turn.messages.map((it) => it.text)].join(", ")}`);
  },
});

/** A time of day, so many hours from now (UTC). */
function hoursFromNow(hours: number): ClockTime {
  return new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16) as ClockTime;
}

export default behaviour({
  worker: { conversations: [night] },
  scenario: async ({ client }) => {
    const quietHours = { start: hoursFromNow(-2), end: hoursFromNow(2) };
    const opening = { conversationType: "night", replyChannel: "chat", turnPolicy: { quietHours } };
    await client.conversations.submitEvent("jo", "order-delayed", {}, opening);
    const held = await client.conversations.get("jo");
    assert.deepEqual([held.waitingEventCount, held.turnCount], [1, 0]);

    // The customer is awake: the turn is an ordinary one, and takes the event along.
    await client.conversations.submitMessage("jo", "Hi");
    await transcriptBecomes(client, "jo", ["customer: Hi", "agent: message: order-delayed, Hi"]);

    // When the quiet hours end (here: are moved), what waits becomes a turn.
    await client.conversations.submitEvent("jo", "order-found", {});
    assert.equal((await client.conversations.get("jo")).waitingEventCount, 1);
    await client.conversations.update("jo", { turnPolicy: { quietHours: { start: hoursFromNow(3), end: hoursFromNow(5) } } });
    const transcript = ["customer: Hi", "agent: message: order-delayed, Hi", "agent: event: order-found"];
    await transcriptBecomes(client, "jo", transcript);

    // Likewise when there are none any longer.
    await client.conversations.update("jo", { turnPolicy: { quietHours } });
    await client.conversations.submitEvent("jo", "order-shipped", {});
    assert.equal((await client.conversations.get("jo")).waitingEventCount, 1);
    const changed = await client.conversations.update("jo", { turnPolicy: { noQuietHours: true } });
    assert.equal(changed.turnPolicy.quietHours, undefined);
    await transcriptBecomes(client, "jo", [...transcript, "agent: event: order-shipped"]);
  },
});
