/** Messages race with closes; idle turns say goodbye. */

import assert from "node:assert/strict";
import { defineConversation } from "everturn";
import { atRest, behaviour, Gate, refused, transcript, transcriptBecomes, until } from "../harness/index.js";

const gate = new Gate();
const farewell = new Gate();

const plain = defineConversation({
  type: "plain",
  onTurn: async (ctx, turn) => {
    if (turn.text === "slow") await ctx.activity("think");
    ctx.reply(`You said: ${turn.text}`);
  },
  onIdle: async (ctx) => {
    await ctx.activity("consider");
    ctx.reply("Bye!");
    ctx.closeConversation("idle");
  },
});

export default behaviour({
  worker: { conversations: [plain], activities: { think: () => gate.pass(), consider: () => farewell.pass() } },
  scenario: async ({ client }) => {
    const { conversations } = client;
    await conversations.submitMessage("jo", "slow", { conversationType: "plain" });
    await gate.arrived();
    const { sequence } = await conversations.submitMessage("jo", "still there?");
    await refused(conversations.close("jo"), "MESSAGES_WAIT");
    await refused(conversations.close("jo", { unlessAfter: sequence - 1 }), "MESSAGES_WAIT");
    gate.open();
    await transcriptBecomes(client, "jo", ["customer: slow", "customer: still there?", "agent: You said: slow", "agent: You said: still there?"]);
    await conversations.close("jo", { reason: "solved" });
    assert.equal((await conversations.get("jo")).status, "closed");

    const ids = Array.from({ length: 40 }, (_, index) => `race-${String(index)}`);
    await Promise.all(ids.map(async (id) => {
      await conversations.submitMessage(id, "one", { conversationType: "plain" });
      await atRest(client, id);
      await Promise.all([conversations.submitMessage(id, "two"), conversations.close(id).catch(() => undefined)]);
      await until(`${id} is answered`, async () => (await transcript(client, id)).at(-1) === "agent: You said: two");
    }));

    await conversations.submitMessage("idle", "Hi", { conversationType: "plain", turnPolicy: { idleTimeout: "1s" } });
    await farewell.arrived();
    await conversations.submitMessage("idle", "I am back");
    farewell.open();
    await until("it is answered", async () => (await transcript(client, "idle")).at(-1) === "agent: You said: I am back");
    const lines = await transcript(client, "idle");
    assert.ok(!lines.slice(0, lines.indexOf("agent: You said: I am back")).includes("agent: Bye!"), "goodbye to one who has written");
  },
});
