/** An adapter is killed while it has a message: it is not sent again. */

import assert from "node:assert/strict";
import { implementDelivery } from "everturn";
import { behaviour, messages } from "../harness/index.js";
import { adapterHasMessage, deliveryBecomes, echo, keepMessage } from "../harness/echo.js";

const endless = implementDelivery("sms", {}, keepMessage);
const sent: string[] = [];
const working = implementDelivery("sms", {}, ({ message }) => {
  sent.push(message.text);
  return undefined;
});

export default behaviour({
  worker: { conversations: [echo] },
  roles: { adapter: { deliveries: [endless] } },
  scenario: async ({ client, spawn, work }) => {
    const adapter = spawn("adapter");
    await client.conversations.submitMessage("jo", "one", { conversationType: "echo", channel: "sms", customerAddress: "+4917" });
    await adapterHasMessage(client);
    await deliveryBecomes(client, "jo", 2, "sending");
    await adapter.kill();
    const unknown = await deliveryBecomes(client, "jo", 2, "unknown");
    assert.equal(unknown.attempt, 1);

    // Another adapter gets what comes next, and not the lost message.
    work({ deliveries: [working] });
    await client.conversations.submitMessage("jo", "two", { channel: "sms" });
    await deliveryBecomes(client, "jo", 4, "accepted");
    assert.deepEqual(sent, ["You said: two"]);
    assert.equal((await messages(client, "jo"))[1]?.delivery?.status, "unknown");
  },
});
