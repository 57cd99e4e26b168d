/** A customer who types is waited for; agents and people who type are shown. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type ConversationUpdate, defineConversation, implementDelivery, type TypingNotice } from "everturn";
import { atRest, behaviour, refused, until } from "../harness/index.js";

const given: string[][] = [];
const turnPolicy = { debounce: { quiet: "1s", maxWait: "20s" } } as const;
const desk = defineConversation({
  type: "desk",
  onTurn: (ctx, turn) => {
    given.push(turn.messages.map((it) => it.text));
    ctx.reply("Yes.");
  },
});
const shown: TypingNotice[] = [];
const chat = implementDelivery("chat", { showTyping: (notice) => { shown.push(notice); } }, () => undefined);

export default behaviour({
  worker: { conversations: [desk], deliveries: [chat] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const typing: (ConversationUpdate & { type: "typing" })[] = [];
    const end = new AbortController();
    const watch = (async (): Promise<void> => {
      for await (const update of conversations.watch("jo", { signal: end.signal })) if (update.type === "typing") typing.push(update);
    })();
    const write = (text: string): Promise<unknown> => conversations.submitMessage("jo", text, { conversationType: "desk", customerAddress: "chat-1", turnPolicy });
    await write("Hello");
    await conversations.submitTyping("jo", true);
    await sleep(1_600);
    assert.deepEqual(given, []);
    await write("are you there?");
    await conversations.submitTyping("jo", true);
    await conversations.submitTyping("jo", false);
    await until("it is answered", () => given.length === 1);
    assert.deepEqual(given, [["Hello", "are you there?"]]);
    await atRest(client, "jo");
    await until("it was shown", () => shown.length === 2);
    assert.deepEqual(shown.map(({ authorKind, address, channel, isTyping }) => [authorKind, address, channel, isTyping]), [
      ["agent", "chat-1", "chat", true], ["agent", "chat-1", "chat", false],
    ]);

    await conversations.submitTyping("jo", true, { authorKind: "human", authorName: "Kim" });
    await until("Kim is shown", () => shown.length === 3);
    assert.deepEqual(shown[2], { conversationId: "jo", channel: "chat", address: "chat-1", authorKind: "human", authorName: "Kim", isTyping: true });
    await until("watchers know", () => typing.length === 4);
    assert.deepEqual(typing.map((it) => [it.authorKind, it.isTyping]), [["customer", true], ["customer", true], ["customer", false], ["human", true]]);
    await refused(conversations.submitTyping("nobody", true), "CONVERSATION_NOT_FOUND");
    end.abort();
    await watch;
  },
});
