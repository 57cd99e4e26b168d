/** "One moment" becomes the answer, and the answer goes. */

import assert from "node:assert/strict";
import { defineConversation, implementDelivery } from "everturn";
import { behaviour, messages, until } from "../harness/index.js";

const outcomes: string[] = [];
const desk = defineConversation({
  type: "desk",
  onTurn: async (ctx) => {
    const reply = ctx.reply("One moment");
    const { sequence } = await reply.recorded();
    await reply.delivered("accepted");
    const edit = await ctx.edit(sequence ?? 0, "Here it is").delivered("accepted");
    const gone = await ctx.retract(sequence ?? 0).delivered("accepted");
    outcomes.push(edit.status, gone.status);
  },
});
const shown: unknown[] = [];
const chat = implementDelivery("chat", { canChange: true }, ({ action, changedProviderMessageId, message }) => {
  shown.push([action, changedProviderMessageId, message.text]);
  return { providerMessageId: `m-${String(shown.length)}` };
});
const sms = implementDelivery("sms", {}, () => ({ providerMessageId: "s" }));

export default behaviour({
  worker: { conversations: [desk], deliveries: [chat, sms] },
  scenario: async ({ client }) => {
    const write = (id: string, channel: string): Promise<unknown> =>
      client.conversations.submitMessage(id, "Hi", { conversationType: "desk", channel, customerAddress: "jo" });
    await write("jo", "chat");
    await until("both were shown", () => outcomes.length === 2);
    assert.deepEqual(outcomes, ["accepted", "accepted"]);
    assert.deepEqual(shown, [["deliver", "", "One moment"], ["edit", "m-1", "Here it is"], ["retract", "m-1", ""]]);
    assert.deepEqual((await messages(client, "jo")).map((it) => [it.edits, it.retracts]), [
      [undefined, undefined], [undefined, undefined], [2, undefined], [undefined, 2],
    ]);

    outcomes.length = 0;
    await write("kim", "sms");
    await until("both failed", () => outcomes.length === 2);
    assert.deepEqual(outcomes, ["failed", "failed"]);
  },
});
