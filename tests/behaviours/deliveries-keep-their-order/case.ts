/** The first of three replies is refused twice: the other two wait for it. */

import assert from "node:assert/strict";
import { ApplicationError, defineConversation, implementDelivery } from "everturn";
import { behaviour, until } from "../harness/index.js";
import { deliveryBecomes } from "../harness/echo.js";

const three = defineConversation({
  type: "three",
  onTurn: (ctx) => {
    for (const text of ["one", "two", "three"]) ctx.reply(text);
  },
});

const attempts: string[] = [];
const sent: string[] = [];
const sms = implementDelivery("sms", {}, ({ message: { text } }) => {
  attempts.push(text);
  if (attempts.length < 3) throw new ApplicationError("busy", { type: "Busy", retryAfter: "50ms" });
  sent.push(text);
  return undefined;
});

export default behaviour({
  worker: { conversations: [three], deliveries: [sms] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Hi", { conversationType: "three", channel: "sms", customerAddress: "+4917" });
    const held = await until("the second one says what it waits for", async () => {
      for await (const it of client.conversations.listMessages("jo", { afterSequence: 2 })) {
        return it.delivery?.status === "pending" || it.delivery?.status === "accepted" ? it.delivery : undefined;
      }
      return undefined;
    });
    assert.equal(held.attempt <= 1, true);
    await deliveryBecomes(client, "jo", 4, "accepted");
    assert.deepEqual(sent, ["one", "two", "three"]);
    assert.deepEqual(attempts, ["one", "one", "one", "two", "three"]);
  },
});
