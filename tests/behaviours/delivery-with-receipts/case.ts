/** A reply leaves by the adapter of its channel; receipts move it forward. */

import assert from "node:assert/strict";
import { type Delivery, implementDelivery } from "everturn";
import { behaviour, refused } from "../harness/index.js";
import { deliveryBecomes, echo } from "../harness/echo.js";

const sent: Delivery[] = [];
const sms = implementDelivery("sms", {}, (delivery) => {
  sent.push(delivery);
  return { providerMessageId: `sms-${String(sent.length)}` };
});

export default behaviour({
  worker: { conversations: [echo], deliveries: [sms] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Hi", { conversationType: "echo", channel: "sms", customerAddress: "+4917" });
    const accepted = await deliveryBecomes(client, "jo", 2, "accepted");
    assert.deepEqual([accepted.address, accepted.providerMessageId, accepted.attempt], ["+4917", "sms-1", 1]);
    assert.deepEqual(sent.map((it) => [it.address, it.message.text, it.reconcile]), [["+4917", "You said: Hi", false]]);

    assert.equal(await conversations.reportDelivery("jo", { providerMessageId: "sms-1" }, "delivered"), "delivered");
    assert.equal(await conversations.reportDelivery("jo", { sequence: 2 }, "read"), "read");
    // A receipt that comes late, and again, does not take it back.
    assert.equal(await conversations.reportDelivery("jo", { sequence: 2 }, "delivered"), "read");
    await refused(conversations.reportDelivery("jo", { providerMessageId: "sms-9" }, "read"), "DELIVERY_NOT_FOUND");
  },
});
