/** A turn fails twice and answers at its third attempt. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";

const flaky = defineConversation({
  type: "flaky",
  onTurn: (ctx, turn) => {
    if (turn.attempt < 3) throw new Error(`attempt ${String(turn.attempt)}`);
    ctx.reply(`${turn.text} at attempt ${String(turn.attempt)}`);
  },
});

export default behaviour({
  worker: { conversations: [flaky] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "hello", {
      conversationType: "flaky",
      turnPolicy: { onTurnFailure: { attempts: 3, backoff: "300ms" } },
    });
    const waiting = await until("it backs off", async () => {
      const { wait } = await client.conversations.get("jo");
      return wait?.reason === "backingOff" ? wait : undefined;
    });
    assert.match(waiting.text, /attempt/);
    assert.ok(waiting.untilTime !== undefined);
    await transcriptBecomes(client, "jo", ["customer: hello", "agent: hello at attempt 3"]);
    const { turnCount, lastTurn, turnPolicy } = await client.conversations.get("jo");
    assert.deepEqual([turnCount, lastTurn?.attempt, lastTurn?.status], [3, 3, "completed"]);
    assert.deepEqual(turnPolicy.onTurnFailure, { attempts: 3, backoff: 300, then: "wait" });
  },
});
