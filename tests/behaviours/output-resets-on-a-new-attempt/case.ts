/** What a failed attempt streamed does not count. */

import assert from "node:assert/strict";
import { type ActivityContext, defineConversation } from "everturn";
import { behaviour, Gate } from "../harness/index.js";

const gate = new Gate();

const writing = defineConversation({
  type: "writing",
  onTurn: async (ctx) => {
    ctx.reply(await ctx.activity<string>("write", undefined, { retry: { initialInterval: "50ms" } }));
  },
});

async function write(_input: unknown, context: ActivityContext): Promise<string> {
  context.stream(context.attempt === 1 ? "Your par" : "Your parcel is here.");
  if (context.attempt === 1) {
    await gate.pass();
    throw new Error("the model went away");
  }
  return "Your parcel is here.";
}

export default behaviour({
  worker: { conversations: [writing], activities: { write } },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Where is it?", { conversationType: "writing" });
    let text = "";
    const seen: string[] = [];
    for await (const update of client.conversations.watch("jo", { afterSequence: 1 })) {
      if (update.type === "outputReset" && text !== "") {
        seen.push(`reset for attempt ${String(update.cursor.attempt)}`);
        text = "";
      }
      if (update.type === "outputDelta") text += update.text;
      if (update.type === "outputDelta" && text === "Your par") {
        seen.push(text);
        gate.open();
      }
      if (update.type === "message") break;
    }
    assert.deepEqual(seen, ["Your par", "reset for attempt 2"]);
    assert.equal(text, "Your parcel is here.");
  },
});
