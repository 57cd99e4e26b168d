/** Watchers read along while an activity writes, and go on where they were. */

import assert from "node:assert/strict";
import { type ActivityContext, type Client, defineConversation, type OutputCursor } from "everturn";
import { behaviour, Gate } from "../harness/index.js";

const middle = new Gate();

const writing = defineConversation({
  type: "writing",
  onTurn: async (ctx) => {
    ctx.reply(await ctx.activity<string>("write"));
  },
});

async function write(_input: unknown, context: ActivityContext): Promise<string> {
  context.stream("Your order ");
  context.stream("is ");
  await middle.pass();
  context.stream("on its way.");
  return "Your order is on its way.";
}

/** Reads along until the text is there or the message is; gives what it read. Says when it knows the present. */
async function readAlong(
  client: Client,
  enough: string,
  outputCursors: OutputCursor[],
  isCaughtUp = (): void => {},
): Promise<{ text: string; message?: string; cursor?: OutputCursor }> {
  let text = "";
  let cursor: OutputCursor | undefined;
  for await (const update of client.conversations.watch("jo", { afterSequence: 1, outputCursors })) {
    if (update.type === "caught up") isCaughtUp();
    if (update.type === "outputDelta") [text, cursor] = [text + update.text, update.cursor];
    if (text === enough && cursor !== undefined) return { text, cursor };
    if (update.type === "message") return { text, message: update.message.text };
  }
  throw new Error(`the watch ended after ${JSON.stringify(text)}`);
}

export default behaviour({
  worker: { conversations: [writing], activities: { write } },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Where is it?", { conversationType: "writing" });
    await middle.arrived();
    const half = await readAlong(client, "Your order is ", []);
    assert.ok(half.cursor);
    assert.equal(half.cursor.workflowId, "jo/turn-1");
    // The watcher is gone for a while, and comes back with its cursor.
    const rest = await readAlong(client, "nothing else", [half.cursor], () => {
      middle.open();
    });
    assert.deepEqual(rest, { text: "on its way.", message: "Your order is on its way." });
  },
});
