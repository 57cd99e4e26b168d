/** Two pictures come in, one goes out. */

import assert from "node:assert/strict";
import { type Attachment, defineConversation, implementDelivery } from "everturn";
import { behaviour, messages, refused } from "../harness/index.js";
import { deliveryBecomes } from "../harness/echo.js";

const album = defineConversation({
  type: "album",
  onTurn: (ctx, turn) => {
    const names = turn.messages.flatMap((it) => it.attachments.map(({ name }) => name));
    ctx.reply({ text: `${turn.text}: ${names.join(", ")}`, attachments: turn.messages.flatMap((it) => it.attachments).slice(1) });
  },
});
const sent: (readonly Attachment[])[] = [];
const email = implementDelivery("email", {}, ({ message }) => { sent.push(message.attachments); return undefined; });

export default behaviour({
  worker: { conversations: [album], deliveries: [email] },
  scenario: async ({ client }) => {
    const attachments = [
      { uri: "s3://shop/front.png", mediaType: "image/png", name: "front.png", size: 70_000, sha256: new Uint8Array(32).fill(7) },
      { uri: "https://files.example.org/back", name: "back.png" },
    ];
    await client.conversations.submitMessage("jo", { text: "broken", attachments }, { conversationType: "album", channel: "email", customerAddress: "jo@example.org" });
    await deliveryBecomes(client, "jo", 2, "accepted");
    const [question, answer] = await messages(client, "jo");
    assert.deepEqual(question?.attachments.map((it) => ({ ...it, ...(it.sha256 === undefined ? {} : { sha256: new Uint8Array(it.sha256) }) })), attachments);
    assert.equal(answer?.text, "broken: front.png, back.png");
    assert.deepEqual(sent, [[attachments[1]]]);

    // A picture alone is a message, too.
    await client.conversations.submitMessage("jo", { attachments: [{ uri: "s3://shop/side.png" }] }, { channel: "email" });
    await refused(client.conversations.submitMessage("jo", { attachments: [{ uri: "" }] }), "FIELD_INVALID");
    await refused(client.conversations.submitMessage("jo", {}), "FIELD_INVALID");
  },
});
