/** The number is corrected between two attempts. */

import assert from "node:assert/strict";
import { ApplicationError, implementDelivery } from "everturn";
import { behaviour, until } from "../harness/index.js";
import { deliveryBecomes, echo } from "../harness/echo.js";

const tried: string[] = [];
const sms = implementDelivery("sms", {}, ({ address }) => {
  tried.push(address);
  if (address === "+49") throw new ApplicationError("busy", { type: "Busy", retryAfter: "20ms" });
  return undefined;
});

export default behaviour({
  worker: { conversations: [echo], deliveries: [sms] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Hi", { conversationType: "echo", channel: "sms", customerAddress: "+49" });
    await until("it was tried", () => tried.length > 1);
    await conversations.update("jo", { addresses: { sms: "+4917" } });
    assert.equal((await deliveryBecomes(client, "jo", 2, "accepted")).address, "+4917");
    assert.equal(tried.at(-1), "+4917");
  },
});
