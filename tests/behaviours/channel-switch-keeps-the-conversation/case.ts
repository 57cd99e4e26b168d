/** One conversation over two channels: answers follow the customer. */

import assert from "node:assert/strict";
import { defineConversation, type ImplementedDelivery, implementDelivery } from "everturn";
import { behaviour, until } from "../harness/index.js";

const sent: string[] = [];

function adapter(channel: string): ImplementedDelivery {
  return implementDelivery(channel, {}, ({ address, message }) => {
    sent.push(`${channel} to ${address}: ${message.text}`);
    return undefined;
  });
}

const support = defineConversation({
  type: "support",
  onTurn: (ctx, turn) => {
    const before = turn.recent.filter((it) => it.authorKind === "customer").length;
    ctx.reply(`message ${String(before + 1)}`);
    if (turn.text === "receipt, please") ctx.reply("your receipt", { channel: "email" });
  },
});

export default behaviour({
  worker: { conversations: [support], deliveries: [adapter("email"), adapter("sms")] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const becomes = (lines: string[]): Promise<unknown> => until(`sent: ${lines.join()}`, () => sent.length >= lines.length);
    await conversations.submitMessage("jo", "Hi", { conversationType: "support", channel: "email", customerAddress: "jo@example.org" });
    await becomes(["email"]);
    await conversations.submitMessage("jo", "receipt, please", { channel: "sms", customerAddress: "+4917" });
    await becomes(["email", "sms", "email"]);
    assert.deepEqual(sent.slice(0, 1), ["email to jo@example.org: message 1"]);
    assert.deepEqual(sent.slice(1).sort(), ["email to jo@example.org: your receipt", "sms to +4917: message 2"]);
    const { replyChannel, addresses, turnCount } = await conversations.get("jo");
    assert.deepEqual([replyChannel, turnCount], ["sms", 2]);
    assert.deepEqual(addresses, { email: "jo@example.org", sms: "+4917" });
  },
});
