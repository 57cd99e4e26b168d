/** State is read from the coordinator: nobody has to run the code for it. */

import assert from "node:assert/strict";
import { defineConversation, defineWorkflow } from "everturn";
import { behaviour, transcriptBecomes, until } from "../harness/index.js";

const tracked = defineWorkflow("tracked", async (ctx) => {
  ctx.state.set("phase", "packing");
  ctx.state.set("left", ["bag", "box"]);
  ctx.state.delete("phase");
  ctx.state.set("phase", "waiting");
  await ctx.waitSignal("never");
});

const known = defineConversation({
  type: "known",
  onTurn: (ctx, turn) => {
    ctx.reply(`Hello ${ctx.state.get<string>("name") ?? "stranger"}`);
    ctx.state.set("name", turn.text);
  },
});

export default behaviour({
  worker: { workflows: [tracked], conversations: [known] },
  scenario: async ({ client, stopWorker }) => {
    await client.workflows.start(tracked, undefined, { workflowId: "tracked" });
    await client.conversations.submitMessage("jo", "Jo", { conversationType: "known" });
    await transcriptBecomes(client, "jo", ["customer: Jo", "agent: Hello stranger"]);
    await client.conversations.submitMessage("jo", "Joanna");
    await transcriptBecomes(client, "jo", ["customer: Jo", "agent: Hello stranger", "customer: Joanna", "agent: Hello Jo"]);
    await until("the state is there", async () => (await client.workflows.state("tracked"))["phase"] === "waiting");

    await stopWorker();
    assert.deepEqual(await client.workflows.state("tracked"), { phase: "waiting", left: ["bag", "box"] });
    assert.deepEqual((await client.conversations.get("jo")).state, { name: "Joanna" });
  },
});
