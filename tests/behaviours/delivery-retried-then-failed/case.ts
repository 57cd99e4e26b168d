/** What the provider does not take is tried again; in the end the delivery has failed. */

import assert from "node:assert/strict";
import { ApplicationError, implementDelivery } from "everturn";
import { behaviour } from "../harness/index.js";
import { deliveryBecomes, echo } from "../harness/echo.js";

const keys: string[] = [];
const sms = implementDelivery("sms", {}, ({ address, idempotencyKey }) => {
  keys.push(idempotencyKey);
  if (address === "nowhere") throw new ApplicationError("no such number", { type: "BadAddress", nonRetryable: true });
  if (address === "busy" || keys.length < 3) throw new ApplicationError("try again", { type: "Busy", retryAfter: "10ms" });
  return { providerMessageId: "sms-1" };
});

export default behaviour({
  worker: { conversations: [echo], deliveries: [sms] },
  scenario: async ({ client }) => {
    const write = (id: string, customerAddress: string): Promise<unknown> =>
      client.conversations.submitMessage(id, "Hi", { conversationType: "echo", channel: "sms", customerAddress, turnPolicy: { channels: { sms: { expiresAfter: "2s" } } } });
    await write("jo", "+4917");
    assert.equal((await deliveryBecomes(client, "jo", 2, "accepted")).attempt, 3);
    assert.equal(new Set(keys).size, 1);

    await write("kim", "busy");
    const busy = await deliveryBecomes(client, "kim", 2, "failed");
    assert.equal(busy.attempt > 10, true, `only ${String(busy.attempt)} attempts`);
    assert.equal(busy.detail, "Busy: try again");

    await write("lee", "nowhere");
    const failed = await deliveryBecomes(client, "lee", 2, "failed");
    assert.deepEqual([failed.attempt, failed.detail], [1, "BadAddress: no such number"]);
  },
});
