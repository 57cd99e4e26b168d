// Measures the replay core: time per workflow task of live runs, and per event of a replay.
// Run after `npm run build`; prints microseconds of CPU.
import { create, toBinary } from "@bufbuild/protobuf";
import { defineWorkflow, jsonConverter, silentLogger } from "../dist/index.js";
import { HistoryEventSchema, WorkflowTaskResultSchema, WorkRequestSchema } from "../dist/v1.js";
import { Run } from "../dist/replay/run.js";
import { encodeWorkRequest } from "../dist/worker/encode-request.js";

const STEPS = 10;
const TOKEN = new Uint8Array(40);
const withCodec = (result) => encodeWorkRequest({ ...empty, workflowTaskResults: [result] });
const withProtobufEs = (result) => toBinary(WorkflowTaskResultSchema, result);
const empty = create(WorkRequestSchema);
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
    write?.({ $typeName: "everturn.v1.WorkflowTaskResult", resultId: 1n, taskToken: TOKEN, commands, seenEventId: BigInt(seenEventId), needsFullJournal: false, runCached: true });
  }
}

async function measure(name, count, units, work) {
  for (let i = 0; i < 500; i += 1) await work(i);
  const begin = process.cpuUsage();
  for (let i = 0; i < count; i += 1) await work(i);
  const { user, system } = process.cpuUsage(begin);
  console.log(`${name.padEnd(44)} ${((user + system) / count / units).toFixed(2)}`);
}

await measure("live, one run at a time, per task", 3000, STEPS + 1, (id) => liveRun(id));
await measure("live, 100 runs at a time, per task", 100, 100 * (STEPS + 1), (id) =>
  Promise.all(Array.from({ length: 100 }, (_, index) => liveRun(`${id}-${index}`))));
await measure("the same, written with the codec, per task", 3000, STEPS + 1, (id) => liveRun(id, withCodec));
await measure("the same, written with protobuf-es, per task", 3000, STEPS + 1, (id) => liveRun(id, withProtobufEs));
await measure("whole journal, per event", 3000, journal.length, (id) => newRun(id).advance(journal));
