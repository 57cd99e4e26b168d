/** Five hundred calls of grpc-js time out at once beside a stream on the same connection. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connectStub, ConversationService, type WatchConversationResponse } from "everturn/v1";
import { behaviour, until } from "../harness/index.js";

const CALLS = 500;

export default behaviour({
  scenario: async ({ client, stallCoordinator, wakeCoordinator }) => {
    const namespace = process.env["EVERTURN_NAMESPACE"] ?? "";
    const stub = connectStub(ConversationService, process.env["EVERTURN_ADDRESS"] ?? "");
    await client.conversations.submitMessage("c", "hello", { conversationType: "nobody" });
    const texts: string[] = [];
    let ended: unknown;
    const watch = stub.watchConversation({ namespace, conversationId: "c" });
    watch.on("data", ({ update }: WatchConversationResponse) => {
      if (update.case === "message") texts.push(update.value.content?.text ?? "");
    });
    watch.on("error", (error) => (ended ??= error));
    watch.on("end", () => (ended ??= "the stream ended"));
    await once(watch, "data");

    await stallCoordinator();
    const calls = Array.from({ length: CALLS }, () => stub.getConversation({ namespace, conversationId: "c" }, { timeoutMs: 500 }));
    const outcomes = await Promise.allSettled(calls);
    await wakeCoordinator();
    assert.ok(outcomes.every((it) => it.status === "rejected"), "nobody answered");

    const seen = await stub.getConversation({ namespace, conversationId: "c" }, { timeoutMs: 20_000 });
    assert.equal(seen.conversation?.messageCount, 1n, "the connection is as good as before");
    await client.conversations.submitMessage("c", "still there?");
    await until("the stream goes on", () => ended !== undefined || texts.length === 2);
    assert.deepEqual([ended, texts], [undefined, ["hello", "still there?"]]);
    watch.cancel();
    stub.close();
  },
});
