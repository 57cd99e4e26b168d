// Measures what a worker spends on the wire for one turn with three activities, as in the scenario
// `turns`: encoding its requests and decoding the responses, with protobuf-es and with the codec of
// the SDK. Run after `npm run build`; prints microseconds of CPU per turn.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { jsonConverter } from "../dist/index.js";
import { HistoryEventSchema, WorkRequestSchema, WorkResponseSchema } from "../dist/v1.js";
import { decodeWorkResponse } from "../dist/worker/decode-response.js";
import { encodeWorkRequest } from "../dist/worker/encode-request.js";

const TURNS = 16; // turns whose messages share a batch
const payload = jsonConverter.encode("x".repeat(200));
const token = new Uint8Array(40).fill(7);
const time = { seconds: 1_790_000_000n, nanos: 123_456_000 };
const runId = "0198c5a4-6f5e-7c3a-9d1e-2b7f4a6c8e01";
const workflowId = "customer-123456/turn-7";
const schedule = (key) => ({ key, kind: { case: "scheduleActivity", value: { activityType: key, input: payload } } });
const event = (id, name, value) => create(HistoryEventSchema, { id: BigInt(id), time, kind: { case: name, value } });
const completed = (id, key) => event(id, "activityCompleted", { key, result: payload, attempt: 1 });
const result = (seen, commands) => ({ resultId: 12n, taskToken: token, seenEventId: BigInt(seen), commands, runCached: true });
const turnInput = {
  conversationId: "customer-123456", conversationType: "bench-turns", number: 7n, cause: 1, replyChannel: "chat",
  messages: [{ sequence: 13n, authorKind: 1, channel: "chat", providerMessageId: "m-13", content: { text: "x".repeat(200) }, createTime: time }],
  recent: Array.from({ length: 6 }, (_, index) => ({ sequence: BigInt(index + 1), authorKind: 1, channel: "chat", content: { text: "x".repeat(200) }, createTime: time })),
};
const task = (events, previousEventId) => ({ deliveryId: 99n, taskToken: token, workflowId, runId, workflowType: "bench-turns", previousEventId, events });

// What one turn sends and gets.
const requests = [
  { ackedDeliveryIds: [1n, 2n], credits: { workflowCount: 2, activityCount: 1 }, workflowTaskResults: [result(1, [schedule("support"), schedule("sales")])] },
  { ackedDeliveryIds: [3n], activityResults: [{ resultId: 13n, taskToken: token, outcome: { case: "result", value: payload } }] },
  { ackedDeliveryIds: [4n], workflowTaskResults: [result(4, []), result(5, [schedule("manager")])] },
  { workflowTaskResults: [result(8, [{ key: "reply", kind: { case: "sendMessage", value: { authorName: "manager", content: { text: "x".repeat(200) } } } }, { kind: { case: "completeRun", value: {} } }])] },
];
const responses = [
  { workflowTasks: [task([event(1, "runStarted", { workflowType: "bench-turns", taskQueue: "default", turn: turnInput })], 0n)] },
  { activityTasks: [{ deliveryId: 5n, taskToken: token, activityType: "sales", input: payload, attempt: 1, workflowId, runId, key: "sales", deadline: time, taskQueue: "default" }], acceptedResultIds: [12n] },
  { workflowTasks: [task([completed(4, "sales")], 1n), task([completed(5, "support")], 4n)], acceptedResultIds: [13n, 14n] },
  { workflowTasks: [task([completed(8, "manager")], 5n)], acceptedResultIds: [15n] },
];
// Batches of one turn's messages, and of many turns'.
const batched = (parts) => {
  const whole = {};
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const part of parts) for (const [name, value] of Object.entries(part)) {
      if (Array.isArray(value)) (whole[name] ??= []).push(...value);
      else whole[name] = value;
    }
  }
  return [whole];
};

function measure(name, turns, work) {
  for (let i = 0; i < 3_000 / turns; i += 1) work();
  const rounds = Math.round(20_000 / turns);
  const begin = process.cpuUsage();
  for (let i = 0; i < rounds; i += 1) work();
  const { user, system } = process.cpuUsage(begin);
  console.log(`${name.padEnd(46)} ${((user + system) / rounds / turns).toFixed(2)}`);
}

for (const [kind, turns, pick] of [["alone", 1, (it) => it], ["in batches", TURNS, batched]]) {
  const out = pick(requests).map((it) => create(WorkRequestSchema, it));
  const bytes = pick(responses).map((it) => Buffer.from(toBinary(WorkResponseSchema, create(WorkResponseSchema, it))));
  measure(`requests ${kind}, protobuf-es`, turns, () => out.map((it) => toBinary(WorkRequestSchema, it)));
  measure(`requests ${kind}, codec`, turns, () => out.map((it) => encodeWorkRequest(it)));
  measure(`responses ${kind}, protobuf-es`, turns, () => bytes.map((it) => fromBinary(WorkResponseSchema, it)));
  measure(`responses ${kind}, codec`, turns, () => bytes.map((it) => decodeWorkResponse(it)));
}
