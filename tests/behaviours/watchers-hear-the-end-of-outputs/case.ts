/** The half of an answer is taken back, although nobody streams the other half. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour } from "../harness/index.js";

const writing = defineConversation({
  type: "writing",
  onTurn: async (ctx) => {
    ctx.reply(await ctx.activity<string>("write", undefined, { taskQueue: "writers", retry: { initialInterval: "50ms" } }));
  },
});

/** Streams "Grüß" in bytes, cut within a character, and never ends. */
async function half(_input: unknown, context: ActivityContext): Promise<string> {
  const bytes = new TextEncoder().encode("Grüß");
  for (const byte of bytes) {
    context.stream(new Uint8Array([byte]));
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return new Promise(() => {});
}

export default behaviour({
  worker: { conversations: [writing] },
  roles: { writer: { taskQueue: "writers", activities: { write: half } } },
  scenario: async ({ client, spawn, work, restartCoordinator }) => {
    const writer = spawn("writer");
    await client.conversations.submitMessage("jo", "Hello?", { conversationType: "writing" });
    let text = "";
    const seen: string[] = [];
    for await (const update of client.conversations.watch("jo", { afterSequence: 1 })) {
      if (update.type === "outputDelta") text += update.text;
      if (update.type === "outputDelta" && text === "Grüß") {
        seen.push(text);
        await writer.kill();
        await restartCoordinator();
        work({ taskQueue: "writers", activities: { write: () => "Good evening." } });
      }
      if (update.type === "outputReset" || update.type === "outputEnded") {
        if (text !== "") seen.push("it does not count");
        text = "";
      }
      if (update.type === "message") {
        seen.push(update.message.text);
        break;
      }
    }
    assert.deepEqual(seen, ["Grüß", "it does not count", "Good evening."]);
  },
});
