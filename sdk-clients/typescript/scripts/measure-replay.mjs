// Measures the replay core: time per workflow task of live runs, and per event of a replay.
// Run after `npm run build`; prints microseconds.
import { create, toBinary } from "@bufbuild/protobuf";
import { defineWorkflow, jsonConverter, silentLogger } from "../dist/index.js";
import { HistoryEventSchema, WorkflowTaskResultSchema } from "../dist/v1.js";
import { Run } from "../dist/replay/run.js";

const STEPS = 10;
const payload = jsonConverter.encode("x".repeat(200));
const program = defineWorkflow("pipeline", async (ctx, input) => {
  let value = input;
  for (let step = 0; step < STEPS; step += 1) value = await ctx.activity("step", value);
  return value;
});
const settings = { converter: jsonConverter, logger: silentLogger, isStrict: true };
const key = (step) => (step === 1 ? "step" : `step#${step}`);
const event = (id, name, value) => create(HistoryEventSchema, { id: BigInt(id), time: { seconds: BigInt(id) }, kind: { case: name, value } });
const started = event(1, "runStarted", { workflowType: "pipeline", input: payload });
const scheduled = (step) => event(2 * step, "activityScheduled", { key: key(step), activityType: "step" });
const completed = (step) => event(2 * step + 1, "activityCompleted", { key: key(step), result: payload });
const steps = Array.from({ length: STEPS }, (_, index) => index + 1);
const live = [started, ...steps.map(completed)];
const journal = [started, ...steps.flatMap((step) => [scheduled(step), completed(step)])];

const newRun = (id) => new Run(program, { workflowId: "w", runId: String(id) }, settings);

async function liveRun(id, write) {
  const run = newRun(id);
  for (const next of live) {
    const { commands, seenEventId } = await run.advance([next]);
    if (write) toBinary(WorkflowTaskResultSchema, create(WorkflowTaskResultSchema, { commands, seenEventId: BigInt(seenEventId) }));
  }
}

async function measure(name, count, units, work) {
  for (let i = 0; i < 500; i += 1) await work(i);
  const begin = performance.now();
  for (let i = 0; i < count; i += 1) await work(i);
  console.log(`${name.padEnd(44)} ${(((performance.now() - begin) * 1000) / count / units).toFixed(2)}`);
}

await measure("live, one run at a time, per task", 3000, STEPS + 1, (id) => liveRun(id, false));
await measure("live, 100 runs at a time, per task", 100, 100 * (STEPS + 1), (id) =>
  Promise.all(Array.from({ length: 100 }, (_, index) => liveRun(`${id}-${index}`, false))));
await measure("live, with writing the completion, per task", 3000, STEPS + 1, (id) => liveRun(id, true));
await measure("whole journal, per event", 3000, journal.length, (id) => newRun(id).advance(journal));
