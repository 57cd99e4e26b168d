/** Two chats of one channel use the same id. */

import assert from "node:assert/strict";
import { atRest, behaviour, messages, refused } from "../harness/index.js";
import { echo } from "../harness/echo.js";

export default behaviour({
  worker: { conversations: [echo] },
  scenario: async ({ client }) => {
    const write = (text: string, channel: string, customerAddress: string): Promise<{ readonly sequence: number }> =>
      client.conversations.submitMessage("jo", text, { conversationType: "echo", channel, providerMessageId: "17", customerAddress });
    const first = await write("from my phone", "telegram", "chat-1");
    await write("from our family chat", "telegram", "chat-2");
    await write("by mail", "email", "chat-1");
    assert.equal((await write("from my phone", "telegram", "chat-1")).sequence, first.sequence);
    await refused(write("something else", "telegram", "chat-1"), "MESSAGE_ID_REUSED");

    await atRest(client, "jo");
    const said = await messages(client, "jo");
    assert.deepEqual(said.filter((it) => it.authorKind === "customer").map((it) => [it.text, it.customerAddress]), [
      ["from my phone", "chat-1"], ["from our family chat", "chat-2"], ["by mail", "chat-1"],
    ]);
  },
});
