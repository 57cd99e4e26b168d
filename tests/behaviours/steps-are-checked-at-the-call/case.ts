/** Steps that break a rule are caught and told; one that is not caught fails its run. */

import assert from "node:assert/strict";
import { CommandError, defineConversation, defineWorkflow, type TurnContext } from "everturn";
import { behaviour, transcriptBecomes } from "../harness/index.js";

const broken: readonly ((ctx: TurnContext) => unknown)[] = [
  (ctx) => ctx.reply(""),
  (ctx) => ctx.reply("x", { author: "Ada\nBob" }),
  (ctx) => ctx.sleep("1s", { key: "k".repeat(300) }),
  (ctx) => { ctx.state.set("notes", "x".repeat(300_000)); },
  (ctx) => ctx.run("local", () => ctx.sleep("1s")),
  (ctx) => ctx.activity("a", { total: Number.NaN }),
];
const careful = defineConversation({
  type: "careful",
  onTurn: async (ctx) => {
    const found: string[] = [];
    for (const step of broken) {
      try {
        await step(ctx);
      } catch (error) {
        found.push(error instanceof CommandError ? `${error.type} ${error.field}` : (error as Error).message);
      }
    }
    ctx.reply(found.join("; "));
  },
});
const careless = defineWorkflow("careless", (ctx) => ctx.activity("a", 1, { key: "k".repeat(300) }));

export default behaviour({
  worker: { workflows: [careless], conversations: [careful] },
  scenario: async ({ client }) => {
    await client.conversations.submitMessage("jo", "Hi", { conversationType: "careful" });
    const local = 'local step "local" failed: COMMAND_INVALID: a local step (ctx.run) does not use the context: do it before or after';
    await transcriptBecomes(client, "jo", [
      "customer: Hi",
      `agent: FIELD_INVALID content; FIELD_INVALID author; LIMIT_EXCEEDED key; LIMIT_EXCEEDED value; ${local}; args.total: NaN is not JSON`,
    ]);
    await client.workflows.start(careless, undefined, { workflowId: "careless" });
    await client.workflows.waitResult("careless").catch(() => undefined);
    const { status, failure } = await client.workflows.describe("careless");
    assert.deepEqual([status, failure?.type, failure?.details], ["failed", "LIMIT_EXCEEDED", { field: "key", limit: 256 }]);
  },
});
