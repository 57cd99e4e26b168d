/** A colleague leaves a note: the next turn reads it, the customer does not. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, refused, transcript, until } from "../harness/index.js";

const desk = defineConversation({
  type: "desk",
  onTurn: (ctx, turn) => {
    const notes = turn.recent.filter((it) => it.isNote).map((it) => `${it.authorName}: ${it.text}`);
    ctx.reply(`notes: ${notes.join(", ")}`);
  },
});

export default behaviour({
  worker: { conversations: [desk] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "Hi", { conversationType: "desk" });
    await until("it is answered", async () => (await transcript(client, "jo")).length === 2);
    const note = { authorName: "Kim", requestId: "n-1" };
    const { sequence } = await conversations.addNote("jo", "is a friend", note);
    assert.equal((await conversations.addNote("jo", "is a friend", note)).sequence, sequence);
    await refused(conversations.addNote("jo", "is no friend", note), "REQUEST_ID_REUSED");
    await atRest(client, "jo");
    assert.equal((await conversations.get("jo")).turnCount, 1);

    await conversations.submitMessage("jo", "Bye");
    await until("it is answered", async () => (await transcript(client, "jo")).at(-1) === "agent: notes: Kim: is a friend");
    assert.deepEqual(await transcript(client, "jo"), ["customer: Hi", "agent: notes: ", "customer: Bye", "agent: notes: Kim: is a friend"]);

    const seen = async (includeNotes: boolean): Promise<number[]> => {
      const sequences: number[] = [];
      for await (const update of conversations.watch("jo", { includeNotes })) {
        if (update.type === "message") sequences.push(update.message.sequence);
        if (update.type === "caught up") break;
      }
      return sequences;
    };
    assert.deepEqual([await seen(false), await seen(true)], [[1, 2, 4, 5], [1, 2, 3, 4, 5]]);
  },
});
