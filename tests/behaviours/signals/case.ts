/** Signals arrive in order, once, whenever they are sent, from clients and from other runs. */

import assert from "node:assert/strict";
import { defineSignal, defineWorkflow, SignalError } from "everturn";
import { behaviour } from "../harness/index.js";

const word = defineSignal<string>("word");

const listener = defineWorkflow<number, string>("listener", async (ctx, count) => {
  const words: string[] = [];
  while (words.length < count) words.push(await ctx.waitSignal(word));
  return words.join(" ");
});

const speaker = defineWorkflow<string, string>("speaker", async (ctx, to) => {
  await ctx.signal(to, word, "from a run");
  return ctx.signal("nobody", word, "hello").then(
    () => "heard",
    (error: unknown) => (error instanceof SignalError ? error.failure.type : "another error"),
  );
});

export default behaviour({
  scenario: async ({ client, work }) => {
    const { workflows } = client;
    // Two come before any code runs; one of them is sent twice.
    await workflows.start(listener, 3, { workflowId: "ear" });
    for (const it of ["first", "second", "second"]) await workflows.signal("ear", word, it, { requestId: it });
    work({ workflows: [listener, speaker] });
    await workflows.start(speaker, "ear", { workflowId: "mouth" });
    assert.equal(await workflows.waitResult("ear", { timeout: "20s" }), "first second from a run");
    assert.equal(await workflows.waitResult("mouth", { timeout: "20s" }), "RUN_NOT_FOUND");
  },
});
