/** Metadata of every size and kind, around a message that is taken. */

import assert from "node:assert/strict";
import { atRest, behaviour, messages, refused } from "../harness/index.js";
import { echo } from "../harness/echo.js";

export default behaviour({
  worker: { conversations: [echo] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const subject = "Где моя посылка? ".repeat(10);
    const attributes = { subject, folded: "first\r\n second", headers: "x".repeat(10_000) };
    const providerMessageId = `<${"a".repeat(900)}@example.org>`;
    const send = (text: string): Promise<{ readonly sequence: number }> =>
      conversations.submitMessage("jo", { text, attributes }, {
        conversationType: "echo", channel: "email", providerMessageId, authorName: `${"王".repeat(90)}\nSon`, customerAddress: `${"j".repeat(300)}@example.org`,
      });
    assert.equal((await send("Hi")).sequence, (await send("Hi")).sequence);
    await atRest(client, "jo");
    const [message] = await messages(client, "jo");
    assert.equal(message?.attributes["subject"], subject);
    assert.equal(message.attributes["folded"], "first second");
    assert.equal(message.attributes["everturn.cut"], "headers");
    assert.equal(Buffer.byteLength(message.attributes["headers"] ?? "") <= 2_048, true);
    assert.equal(message.authorName, `${"王".repeat(90)} Son`);
    assert.equal(message.providerMessageId, providerMessageId);

    // Longer ids are cut, and stay two.
    const long = "b".repeat(5_000);
    for (const id of [`${long}1`, `${long}2`, `${long}1`]) {
      await conversations.submitMessage("jo", id.slice(-1), { channel: "email", providerMessageId: id });
    }
    await atRest(client, "jo");
    const said = (await messages(client, "jo")).filter((it) => it.authorKind === "customer").map((it) => it.text);
    assert.deepEqual(said, ["Hi", "1", "2"]);
    await refused(conversations.submitMessage("jo", "x".repeat(3 * 1024 * 1024)), "LIMIT_EXCEEDED");
  },
});
