/** A mail and a chat are one customer's; a large one is merged over a coordinator that is killed. */

import assert from "node:assert/strict";
import { defineActivity, defineConversation, implementActivity } from "everturn";
import { atRest, behaviour, Gate, messages, refused, until } from "../harness/index.js";

const think = defineActivity("think");
const gate = new Gate();
const desk = defineConversation({
  type: "desk",
  onTurn: async (ctx, turn) => {
    if (turn.text.includes("slow")) await ctx.activity(think);
    ctx.reply(`You said: ${turn.messages.map((it) => it.text).join(", ")}; before: ${String(turn.recent.length)}`);
  },
});

export default behaviour({
  worker: { conversations: [desk], activities: [implementActivity(think, () => gate.pass())] },
  scenario: async ({ client, restartCoordinator }) => {
    const { conversations } = client;
    const write = (id: string, text: string, channel: string, address: string): Promise<unknown> =>
      conversations.submitMessage(id, text, { conversationType: "desk", channel, customerAddress: address, providerMessageId: text });
    await write("mail", "by mail", "email", "jo@example.org");
    await atRest(client, "mail");
    await write("chat", "in the chat", "chat", "chat-1");
    await atRest(client, "chat");
    await write("mail", "slow, by mail", "email", "jo@example.org");
    await gate.arrived();

    const merged = await conversations.merge("mail", "chat");
    assert.deepEqual(merged.addresses, { chat: "chat-1", email: "jo@example.org" });
    const ended = await conversations.get("mail");
    assert.deepEqual([ended.status, ended.mergedIntoConversationId], ["closed", "chat"]);
    await gate.arrived();
    gate.open();
    await until("it is answered", async () => (await conversations.get("chat")).unansweredSinceTime === undefined);
    const said = await messages(client, "chat");
    assert.deepEqual(said.map((it) => it.text), [
      "by mail", "You said: by mail; before: 0", "in the chat", "You said: in the chat; before: 0",
      "slow, by mail", "You said: slow, by mail; before: 4",
    ]);
    assert.deepEqual(said.map((it) => it.mergedFrom?.conversationId), ["mail", "mail", undefined, undefined, "mail", undefined]);
    assert.equal((await conversations.merge("mail", "chat")).messageCount, 6);

    await refused(write("mail", "still there?", "email", "jo@example.org"), "CONVERSATION_MERGED");
    const { conversationId } = await conversations.submitMessageFrom({ channel: "email", address: "jo@example.org" }, "by mail again", { providerMessageId: "6" });
    assert.equal(conversationId, "chat");
    await refused(conversations.merge("chat", "chat"), "FIELD_INVALID");
    await refused(conversations.merge("nobody", "chat"), "CONVERSATION_NOT_FOUND");

    // Both ways at once: one of them takes place, and no message is lost.
    await write("a", "from a", "chat", "a");
    await write("b", "from b", "chat", "b");
    await Promise.all([atRest(client, "a"), atRest(client, "b")]);
    const both = await Promise.allSettled([conversations.merge("a", "b"), conversations.merge("b", "a")]);
    if (both.every((it) => it.status === "rejected")) await conversations.merge("a", "b");
    const open = (await conversations.get("a")).status === "open" ? "a" : "b";
    assert.equal((await messages(client, open)).length, 4);

    // Killed in the middle: it is carried on.
    const long = Array.from({ length: 3_000 }, (_, at) => ({ authorKind: "customer", text: `${String(at)} ${"x".repeat(500)}`, createTime: new Date(at * 1_000) }) as const);
    await conversations.importTranscript("long", long, { conversationType: "desk" });
    await write("short", "hi", "chat", "short");
    await atRest(client, "short");
    const merging = conversations.merge("long", "short").catch(() => undefined);
    await until("it has begun", async () => (await conversations.get("long")).mergedIntoConversationId === "short");
    await restartCoordinator();
    await merging;
    await until("all is there", async () => (await conversations.get("short")).messageCount === 3_002);
    const all = await messages(client, "short");
    assert.deepEqual(all.slice(0, 3_000).map((it) => Number(it.text.split(" ")[0])), long.map((_, at) => at));
    assert.equal(new Set(all.map((it) => it.sequence)).size, 3_002);
  },
});
