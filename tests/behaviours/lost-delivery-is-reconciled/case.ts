/** An adapter that can ask its provider settles what a killed one has left open. */

import assert from "node:assert/strict";
import { type Delivery, implementDelivery } from "everturn";
import { behaviour } from "../harness/index.js";
import { adapterHasMessage, deliveryBecomes, echo, keepMessage } from "../harness/echo.js";

const endless = implementDelivery("sms", { canReconcile: true }, keepMessage);
const tasks: Delivery[] = [];
const asking = implementDelivery("sms", { canReconcile: true }, (delivery) => {
  tasks.push(delivery);
  // The provider knows the key: the killed adapter had sent it.
  return { providerMessageId: delivery.reconcile ? "found" : "sent" };
});

export default behaviour({
  worker: { conversations: [echo] },
  roles: { adapter: { deliveries: [endless] } },
  scenario: async ({ client, spawn, work }) => {
    const adapter = spawn("adapter");
    await client.conversations.submitMessage("jo", "Hi", { conversationType: "echo", channel: "sms", customerAddress: "+4917" });
    await adapterHasMessage(client);
    await deliveryBecomes(client, "jo", 2, "sending");
    await adapter.kill();
    work({ deliveries: [asking] });
    const settled = await deliveryBecomes(client, "jo", 2, "accepted");
    assert.deepEqual([settled.providerMessageId, settled.attempt], ["found", 2]);
    assert.deepEqual(tasks.map((it) => [it.reconcile, it.message.text]), [[true, "You said: Hi"]]);
  },
});
