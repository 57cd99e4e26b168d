/** A mail, its answer, another mail, its answer: each answer knows the thread so far. */

import assert from "node:assert/strict";
import { type InReplyTo, implementDelivery } from "everturn";
import { behaviour } from "../harness/index.js";
import { deliveryBecomes, echo } from "../harness/echo.js";

const threads: (InReplyTo | undefined)[] = [];
const email = implementDelivery("email", {}, ({ inReplyTo }) => {
  threads.push(inReplyTo);
  return { providerMessageId: `<ours-${String(threads.length)}@shop>` };
});

export default behaviour({
  worker: { conversations: [echo], deliveries: [email] },
  scenario: async ({ client }) => {
    const write = (id: string, subject: string): Promise<unknown> =>
      client.conversations.submitMessage("jo", { text: "Hi", attributes: { subject } }, {
        conversationType: "echo", channel: "email", providerMessageId: id, customerAddress: "jo@example.org",
      });
    await write("<1@home>", "Parcel");
    await deliveryBecomes(client, "jo", 2, "accepted");
    // By another channel: it is no part of the thread.
    await client.conversations.submitMessage("jo", "Hello?", { channel: "chat" });
    await write("<2@home>", "Re: Parcel");
    await deliveryBecomes(client, "jo", (await last()) ?? 0, "accepted");

    assert.deepEqual(threads, [
      { providerMessageIds: ["<1@home>"], subject: "Parcel", references: ["<1@home>"] },
      { providerMessageIds: ["<2@home>"], subject: "Re: Parcel", references: ["<1@home>", "<ours-1@shop>", "<2@home>"] },
    ]);

    async function last(): Promise<number | undefined> {
      for (;;) {
        const all: { readonly sequence: number; readonly channel: string; readonly authorKind: string }[] = [];
        for await (const it of client.conversations.listMessages("jo")) all.push(it);
        const ours = all.filter((it) => it.channel === "email" && it.authorKind === "agent");
        if (ours.length === 2) return ours[1]?.sequence;
      }
    }
  },
});
