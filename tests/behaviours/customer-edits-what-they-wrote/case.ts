/** Edits before, during and after the turn. */

import assert from "node:assert/strict";
import { defineActivity, defineConversation, implementActivity } from "everturn";
import { atRest, behaviour, Gate, messages, refused, transcript, until } from "../harness/index.js";

const think = defineActivity("think");
const gate = new Gate();
const given: string[][] = [];
// Longer than what is written before the first turn takes on a busy machine.
const turnPolicy = { onBusy: "STEER", debounce: { quiet: "2s" } } as const;
const desk = defineConversation({
  type: "desk",
  turnPolicy,
  onTurn: async (ctx, turn) => {
    given.push(turn.messages.map((it) => (it.retracts === undefined ? it.text : `takes back ${String(it.retracts)}`)));
    let heard = "";
    turn.onMessage((batch) => {
      for (const it of batch) heard += ` (${String(it.edits)} now: ${it.text})`;
    });
    if (turn.text.includes("slow")) await ctx.activity(think);
    ctx.reply(`You said: ${turn.text}${heard}`);
  },
});

export default behaviour({
  worker: { conversations: [desk], activities: [implementActivity(think, () => gate.pass())] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const named = (id: string): { readonly providerMessageId: string } => ({ providerMessageId: id });
    // The worker sets the policy of its type when it starts; here the first message brings it too.
    await conversations.submitMessage("jo", "cancel order 7", { conversationType: "desk", turnPolicy, ...named("1") });
    await conversations.submitMessage("jo", "oops", named("2"));
    await conversations.editMessage("jo", named("1"), "cancel order 8");
    await conversations.retractMessage("jo", named("2"));
    await until("it is answered", async () => (await transcript(client, "jo")).at(-1) === "agent: You said: cancel order 8");
    assert.deepEqual(given, [["cancel order 8"]]);
    // What was written stays on record.
    assert.equal((await messages(client, "jo"))[0]?.text, "cancel order 7");

    await conversations.update("jo", { turnPolicy: { debounce: { quiet: 0 } } });
    await conversations.submitMessage("jo", "slow one", named("3"));
    await gate.arrived();
    const { changeSequence, sequence } = await conversations.editMessage("jo", named("3"), "quick one");
    assert.deepEqual(await conversations.editMessage("jo", named("3"), "quick one"), { sequence, changeSequence });
    await until("the turn heard of it", async () => (await messages(client, "jo")).length > 0 && (await conversations.get("jo")).waitingMessageCount === 0);
    gate.open();
    await until("it is answered", async () => (await transcript(client, "jo")).at(-1) === `agent: You said: slow one (${String(sequence)} now: quick one)`);

    await atRest(client, "jo");
    const before = (await conversations.get("jo")).turnCount;
    await conversations.editMessage("jo", named("1"), "cancel order 9");
    await atRest(client, "jo");
    assert.equal((await conversations.get("jo")).turnCount, before);
    await conversations.update("jo", { turnPolicy: { onEdit: "TURN" } });
    await conversations.retractMessage("jo", named("1"));
    await until("it is a turn", async () => (await conversations.get("jo")).turnCount === before + 1);
    await atRest(client, "jo");
    assert.deepEqual(given.at(-1), ["takes back 1"]);

    await refused(conversations.editMessage("jo", named("9"), "nothing"), "MESSAGE_NOT_FOUND");
    await refused(conversations.submitMessage("jo", "other words", named("3")), "MESSAGE_ID_REUSED");
  },
});
