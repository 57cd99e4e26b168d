/** Children run in parallel, answer or fail, and end with their parent. */

import assert from "node:assert/strict";
import { ChildError, defineWorkflow } from "everturn";
import { behaviour, until } from "../harness/index.js";

const agent = defineWorkflow<string, string>("agent", async (ctx, question) => {
  if (question === "impossible") throw new TypeError("no answer");
  if (question === "forever") await ctx.sleep("1d");
  return `answer to ${question}`;
});

const manager = defineWorkflow<readonly string[], string[]>("manager", (ctx, questions) =>
  Promise.all(
    questions.map((question) =>
      ctx.child(agent, question, { key: question }).catch((error: unknown) => {
        if (!(error instanceof ChildError)) throw error;
        return `${error.status}: ${error.failure.type}`;
      }),
    ),
  ));

export default behaviour({
  worker: { workflows: [agent, manager] },
  scenario: async ({ client }) => {
    await client.workflows.start(manager, ["sales", "support", "impossible"], { workflowId: "one" });
    const answers = await client.workflows.waitResult("one", { timeout: "20s" });
    assert.deepEqual(answers, ["answer to sales", "answer to support", "failed: TypeError"]);
    const child = await client.workflows.describe("one/sales");
    assert.deepEqual([child.status, child.parentWorkflowId], ["completed", "one"]);

    await client.workflows.start(manager, ["forever"], { workflowId: "two" });
    await until("the child runs", async () => (await client.workflows.describe("two")).pendingChildren.length === 1);
    await client.workflows.terminate("two");
    await until("the child ended", async () => (await client.workflows.describe("two/forever")).status === "terminated");
  },
});
