/** A message that failed is sent again, by another channel. */

import assert from "node:assert/strict";
import { ApplicationError, implementDelivery } from "everturn";
import { behaviour, refused } from "../harness/index.js";
import { deliveryBecomes, echo } from "../harness/echo.js";

const keys: string[] = [];
const sms = implementDelivery("sms", {}, () => { throw new ApplicationError("no such number", { nonRetryable: true }); });
const email = implementDelivery("email", {}, ({ message, address, idempotencyKey }) => {
  keys.push(idempotencyKey);
  return { providerMessageId: `${address}: ${message.text}` };
});

export default behaviour({
  worker: { conversations: [echo], deliveries: [sms, email] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Hi", { conversationType: "echo", channel: "sms", customerAddress: "+49" });
    await deliveryBecomes(client, "jo", 2, "failed");
    await refused(conversations.resendMessage("jo", 2, { channel: "email" }), "NOT_RESENDABLE");

    await conversations.update("jo", { addresses: { email: "jo@example.org" } });
    await conversations.resendMessage("jo", 2, { channel: "email", requestId: "again" });
    await conversations.resendMessage("jo", 2, { channel: "email", requestId: "again" });
    await refused(conversations.resendMessage("jo", 2, { channel: "sms", requestId: "again" }), "REQUEST_ID_REUSED");
    const sent = await deliveryBecomes(client, "jo", 2, "accepted");
    assert.deepEqual([sent.channel, sent.providerMessageId], ["email", "jo@example.org: You said: Hi"]);
    assert.equal(keys.length, 1);
    await refused(conversations.resendMessage("jo", 2), "NOT_RESENDABLE");
    await refused(conversations.resendMessage("jo", 1), "DELIVERY_NOT_FOUND");
  },
});
