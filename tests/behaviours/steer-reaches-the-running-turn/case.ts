/** With STEER, newer messages go into the turn that is running. */

import { defineConversation } from "everturn";
import { behaviour, Gate, transcriptBecomes } from "../harness/index.js";

const gate = new Gate();

const steered = defineConversation({
  type: "steered",
  onTurn: async (ctx, turn) => {
    const heard = [turn.text];
    turn.onMessage((messages) => heard.push(...messages.map((it) => it.text)));
    await ctx.activity("search");
    ctx.reply(`turn ${String(turn.number)}: ${heard.join(", ")}`);
  },
});

export default behaviour({
  worker: { conversations: [steered], activities: { search: () => gate.pass() } },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "shoes", { conversationType: "steered", turnPolicy: { onBusy: "STEER" } });
    await gate.arrived();
    await client.conversations.submitMessage("jo", "size 42");
    await client.conversations.submitMessage("jo", "in blue");
    gate.open();
    await transcriptBecomes(client, "jo", ["customer: shoes", "customer: size 42", "customer: in blue", "agent: turn 1: shoes, size 42, in blue"]);
  },
});
