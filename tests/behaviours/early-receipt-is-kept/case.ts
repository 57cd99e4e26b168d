/** The receipt comes before the adapter says which id the message has. */

import assert from "node:assert/strict";
import { implementDelivery } from "everturn";
import { behaviour, Gate, refused } from "../harness/index.js";
import { deliveryBecomes, echo } from "../harness/echo.js";

const gate = new Gate();
const sms = implementDelivery("sms", {}, async () => {
  await gate.pass();
  return { providerMessageId: "7" };
});
const email = implementDelivery("email", {}, () => ({ providerMessageId: "7" }));

export default behaviour({
  worker: { conversations: [echo], deliveries: [sms, email] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "by mail", { conversationType: "echo", channel: "email", customerAddress: "jo@example.org" });
    await deliveryBecomes(client, "jo", 2, "accepted");
    await conversations.submitMessage("jo", "by phone", { channel: "sms", customerAddress: "+4917" });
    await gate.arrived();
    await conversations.reportDelivery("jo", { providerMessageId: "7" }, "delivered", { channel: "sms" });
    gate.open();

    await deliveryBecomes(client, "jo", 4, "delivered");
    assert.equal((await deliveryBecomes(client, "jo", 2, "accepted")).status, "accepted");
    assert.equal(await conversations.reportDelivery("jo", { providerMessageId: "7" }, "read", { channel: "email" }), "read");
    await refused(conversations.reportDelivery("jo", { sequence: 1 }, "read"), "DELIVERY_NOT_FOUND");
  },
});
