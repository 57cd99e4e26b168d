/** Forty webhooks of one customer, repeated ones, a close for good, a link. */

import assert from "node:assert/strict";
import { atRest, behaviour, refused, until } from "../harness/index.js";
import { echo } from "../harness/echo.js";

export default behaviour({
  worker: { conversations: [echo] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const from = async (address: string, text: string, id: string, channel = "sms"): Promise<string> =>
      (await conversations.submitMessageFrom({ channel, address }, text, { conversationType: "echo", providerMessageId: id })).conversationId;

    // At once, and each of them twice.
    const ids = await Promise.all(Array.from({ length: 40 }, (_, at) => from("+1", `message ${String(at % 20)}`, String(at % 20))));
    const [first = ""] = ids;
    assert.deepEqual(new Set(ids), new Set([first]));
    await atRest(client, first);
    assert.equal((await conversations.get(first)).addresses["sms"], "+1");
    let customers = 0;
    for await (const it of conversations.listMessages(first)) if (it.authorKind === "customer") customers += 1;
    assert.equal(customers, 20);
    assert.notEqual(await from("+2", "somebody else", "1"), first);
    assert.equal(await from("Jo@Example.org", "hi", "a", "email"), await from("jo@example.org", "hi again", "b", "email"));

    // Closed: it opens again. Closed for good: another one opens, and what came before is still known.
    await conversations.close(first);
    assert.equal(await from("+1", "one more thing", "21"), first);
    await until("it is answered", async () => (await conversations.get(first)).unansweredSinceTime === undefined);
    await atRest(client, first);
    await conversations.update(first, { turnPolicy: { onClosed: "REFUSE" } });
    await conversations.close(first);
    const opened = await Promise.all(Array.from({ length: 10 }, (_, at) => from("+1", `new ${String(at)}`, `n${String(at)}`)));
    const [second = ""] = opened;
    assert.deepEqual(new Set(opened), new Set([second]));
    assert.notEqual(second, first);
    assert.equal(await from("+1", "one more thing", "21"), first);
    await refused(from("+1", "something else", "21"), "MESSAGE_ID_REUSED");

    // A conversation of one's own, by its address.
    await conversations.submitMessage("jo", "hello", { conversationType: "echo", channel: "chat", customerAddress: "chat-1", providerMessageId: "c1" });
    assert.equal(await from("chat-1", "it is me", "c2", "chat"), "jo");
    await conversations.editMessage("", { channel: "chat", providerMessageId: "c2", customerAddress: "chat-1" }, "it is Jo");
    await conversations.submitTyping("", true, { channel: "chat", customerAddress: "chat-1" });
    assert.equal(await conversations.linkAddress("jo", { channel: "sms", address: "+1" }), second);
    assert.equal(await conversations.linkAddress("jo", { channel: "sms", address: "+1" }), undefined);
    assert.equal(await from("+1", "and by phone", "22"), "jo");
    await refused(conversations.submitTyping("", true, { channel: "chat", customerAddress: "nobody" }), "CONVERSATION_NOT_FOUND");
    await refused(conversations.submitMessageFrom({ channel: "sms", address: "" }, "?"), "FIELD_INVALID");
    await refused(conversations.submitMessageFrom({ channel: "sms", address: "+9" }, "?"), "FIELD_INVALID");

    // Erased: what comes next is a new one's.
    await conversations.erase("jo");
    assert.notEqual(await from("+1", "hello?", "23"), "jo");
  },
});
