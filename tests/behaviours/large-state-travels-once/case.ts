/** Turns that read and write a state of 160 KB, with room for all of it and for less than it. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, transcript, until } from "../harness/index.js";

const BYTES = 40_000;
const NAMES = ["a", "b", "c", "d"];

const desk = defineConversation({
  type: "keeper",
  onTurn: (ctx, turn) => {
    const found = NAMES.map((name) => ctx.state.get<string>(name) ?? "").map((value) => (value.length === BYTES ? value.slice(0, 1) : "-"));
    for (const letter of turn.text) if (/[a-d]/u.test(letter)) ctx.state.set(letter, String(turn.number % 10).repeat(BYTES));
    if (turn.text === "forget") ctx.state.delete("a");
    ctx.reply(found.join(""));
  },
});

export default behaviour({
  scenario: async ({ client, work }) => {
    const { conversations } = client;
    for (const room of [undefined, 100_000, 0]) {
      const id = `room-${String(room)}`;
      const worker = work({ conversations: [desk], ...(room === undefined ? {} : { stateCacheBytes: room }) });
      const said: string[] = [];
      for (const text of ["abcd", "hello", "b", "hello", "forget", "c", "hello"]) {
        await conversations.submitMessage(id, text, { conversationType: "keeper" });
        await until("it is answered", async () => (await transcript(client, id)).length === 2 * said.length + 2);
        said.push((await transcript(client, id)).at(-1) ?? "");
      }
      const seen = ["----", "1111", "1111", "1311", "1311", "-311", "-361"];
      assert.deepEqual(said, seen.map((letters) => `agent: ${letters}`));
      await atRest(client, id);
      await worker.stop();
    }
  },
});
