/** Three conversations whose turns fail: for a team, for a handler, and for a handler that fails as well. */

import assert from "node:assert/strict";
import { defineConversation, defineEvent, handleEvent } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";

interface Failed {
  readonly turn: number;
  readonly attempts: number;
  readonly failure: { readonly type: string; readonly message: string };
}
const turnFailed = defineEvent<Failed>("turn-failed");

const broken = defineConversation({
  type: "broken",
  onEvent: [
    handleEvent(turnFailed, (ctx, turn, { payload }) => {
      if (turn.text === "worse") throw new Error("this as well");
      ctx.reply(`Sorry, ${payload.failure.type} at "${turn.text}" in turn ${String(payload.turn)}`);
    }),
  ],
  onTurn: () => { throw new RangeError("no"); },
});

export default behaviour({
  worker: { conversations: [broken] },
  scenario: async ({ client: { conversations }, client }) => {
    const conversationType = "broken";
    const event = { onTurnFailure: { then: { event: "turn-failed" } } };
    await conversations.submitMessage("ada", "help", { conversationType, turnPolicy: { onTurnFailure: { then: { handOff: { team: "desk" } } } } });
    await conversations.submitMessage("bea", "help", { conversationType, turnPolicy: event });
    await conversations.submitMessage("cyd", "worse", { conversationType, turnPolicy: event });

    const handover = await until("it is handed over", async () => (await conversations.get("ada")).handover);
    assert.deepEqual([handover.assignee, handover.reason], [{ team: "desk" }, "turn 1 failed: RangeError: no"]);
    assert.ok((await conversations.get("ada")).unansweredSinceTime !== undefined, "nobody has answered yet");
    await conversations.sendHumanMessage("ada", "Ann here", { authorName: "Ann" });
    assert.equal((await conversations.get("ada")).unansweredSinceTime, undefined);

    await transcriptBecomes(client, "bea", ["customer: help", 'agent: Sorry, RangeError at "help" in turn 1']);

    const worse = await until("the handler has failed", async () => {
      const found = await conversations.get("cyd");
      return found.lastTurn?.number === 2 ? found : undefined;
    });
    assert.deepEqual([worse.lastTurn?.failure?.message, worse.turnCount, worse.waitingEventCount], ["this as well", 2, 0]);
    assert.equal(worse.unansweredMessageCount, 1);
  },
});
