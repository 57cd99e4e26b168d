// The load worker of `everturn bench` in TypeScript: the same turns and pipeline as
// server/everturn/src/bench/rust_worker.rs, written with the SDK. Activities hand their input back,
// and `stream` writes chunks with the time they were written at.
//
// Python activities run on the task queue "<task queue>-python": in turns always Support and Manager,
// in the pipeline the steps with `--step-activities python`.
//
// Needs `npm ci && npm run build` in sdk-clients/typescript.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { defineActivity, defineConversation, defineWorkflow, Worker } from "../../../sdk-clients/typescript/dist/index.js";

const STEPS_PER_WORKFLOW = 10;

const { values: flags } = parseArgs({
  options: {
    address: { type: "string", default: "127.0.0.1:7400" },
    namespace: { type: "string", default: "default" },
    "task-queue": { type: "string", default: "default" },
    slots: { type: "string", default: "100" },
    "step-activities": { type: "string", default: "typescript" },
  },
});
const taskQueue = flags["task-queue"];
const slots = Number(flags.slots);
const python = { taskQueue: `${taskQueue}-python` };

const support = defineActivity("support", python);
const manager = defineActivity("manager", python);
const sales = defineActivity("sales");
const step = defineActivity("step", flags["step-activities"] === "python" ? python : {});

const turns = defineConversation({
  type: "bench-turns",
  onTurn: async (ctx, turn) => {
    const { text: question, data: stateBytes } = turn.messages.at(-1);
    if (stateBytes > 0) for (let entry = 0; entry < 4; entry += 1) ctx.state.set(`entry-${entry}`, "s".repeat(stateBytes / 4));
    const [draft] = await Promise.all([ctx.activity(support, question), ctx.activity(sales, question)]);
    ctx.reply(await ctx.activity(manager, draft), { author: "manager" });
  },
});

const pipeline = defineWorkflow("bench-pipeline", async (ctx, input) => {
  let value = input;
  for (let number = 1; number <= STEPS_PER_WORKFLOW; number += 1) {
    value = await ctx.activity(step, value, { key: `step-${number}` });
  }
  return value;
});

/** Waits for the customer, replies to what they say, and waits again; a timer is set all the while. */
const asks = defineConversation({
  type: "bench-ask",
  onTurn: async (ctx) => {
    void ctx.sleep("7d");
    for (;;) {
      await ctx.ask();
      ctx.reply("yes", { author: "manager" });
    }
  },
});

const replies = defineConversation({
  type: "bench-reply",
  onTurn: (ctx, turn) => {
    ctx.reply(turn.messages.at(-1).text, { author: "manager" });
  },
});

const echo = (input) => input;

/** Writes chunks at their times, each a line `{"number": 1, "sent_ns": <nanoseconds since 1970>}`. */
const stream = async ({ count, interval_ms, size_bytes }, context) => {
  const begin = performance.now();
  for (let number = 1; number <= count; number += 1) {
    await sleep(begin + interval_ms * number - performance.now());
    const sent_ns = Math.round((performance.timeOrigin + performance.now()) * 1e6);
    context.stream(`${JSON.stringify({ number, sent_ns }).padEnd(size_bytes - 1)}\n`);
  }
  return count;
};

await new Worker({
  address: flags.address,
  namespace: flags.namespace,
  taskQueue,
  workflows: [pipeline],
  conversations: [turns, asks, replies],
  activities: flags["step-activities"] === "python" ? { sales: echo } : { sales: echo, step: echo, stream },
  maxConcurrentActivities: slots,
  maxConcurrentWorkflowTasks: slots,
  maxCachedRuns: 100_000,
}).run();
