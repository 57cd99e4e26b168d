/** The provider's webhook tells of every message that leaves, ours included. */

import assert from "node:assert/strict";
import { defineConversation, implementDelivery } from "everturn";
import { behaviour, messages, until } from "../harness/index.js";

let delivered = 0;

const support = defineConversation({
  type: "support",
  onTurn: (ctx, turn) => {
    ctx.reply(`You said: ${turn.text}`);
  },
});

const whatsapp = implementDelivery("whatsapp", {}, () => {
  delivered += 1;
  return { providerMessageId: `wa-${String(delivered)}` };
});

export default behaviour({
  worker: { conversations: [support], deliveries: [whatsapp] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Hi", { conversationType: "support", channel: "whatsapp", customerAddress: "+49" });
    await until("the reply was delivered", async () => (await messages(client, "jo"))[1]?.delivery?.status === "accepted");
    const echo = { authorName: "inbox", alreadySent: { providerMessageId: "wa-1" } };
    const echoed = await conversations.sendHumanMessage("jo", "You said: Hi", echo);
    assert.deepEqual(echoed, { sequence: 2, tookOver: false, isEcho: true });
    assert.equal((await conversations.get("jo")).handover, undefined);

    const elsewhere = { authorName: "Ann", alreadySent: { providerMessageId: "wa-phone-1" } };
    const sent = await conversations.sendHumanMessage("jo", "Ann here, by phone", elsewhere);
    assert.deepEqual([sent.tookOver, sent.isEcho], [true, false]);
    const again = await conversations.sendHumanMessage("jo", "Ann here, by phone", elsewhere);
    assert.deepEqual(again, sent);
    const lines = (await messages(client, "jo")).map((it) => `${it.authorKind}: ${it.text}`);
    assert.deepEqual(lines.slice(2), ["system: Handed to Ann: wrote to the customer", "human: Ann here, by phone"]);
    assert.equal(delivered, 1);
    assert.equal(await conversations.reportDelivery("jo", { providerMessageId: "wa-phone-1" }, "read"), "read");
  },
});
