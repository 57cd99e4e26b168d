// A worker over a transport in memory: activities, runs, reconnects, draining.
import { afterEach, describe, expect, test } from "vitest";
import type { CanceledError} from "../src/index.js";
import {
  ApplicationError, defineActivity, defineConversation, defineWorkflow, implementActivity, type PayloadConverter, RpcError, silentLogger, Worker, type WorkerOptions,
} from "../src/index.js";
import type { ActivityResult, WorkflowTaskResult } from "../src/gen/everturn/v1/worker_service_pb.js";
import { completed, event, fired, journal, json, scheduled, signaled, started, startedTurn } from "./journals.js";
import { type MemoryStream, MemoryTransport } from "./memory-transport.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const task = (token: string, activityType: string, input: unknown = null, more: object = {}) => ({
  deliveryId: 1n, taskToken: bytes(token), activityType, input: json(input), attempt: 1, workflowId: "w", runId: "r", key: activityType, ...more,
});
const running: Worker[] = [];

function start(options: WorkerOptions): { transport: MemoryTransport; worker: Worker; done: Promise<void> } {
  const transport = new MemoryTransport();
  const worker = new Worker({ logger: silentLogger, handleSignals: false, drainTimeout: "1s", ...options, transport });
  running.push(worker);
  return { transport, worker, done: worker.run() };
}

afterEach(() => {
  for (const worker of running.splice(0)) {
    worker.stop();
    worker.stop();
  }
});

function resultOf(stream: MemoryStream, token = "x"): Promise<ActivityResult> {
  return stream.until(({ requests }) => requests.flatMap((it) => it.activityResults).find((it) => new TextDecoder().decode(it.taskToken) === token));
}

function completionOf(stream: MemoryStream, index = 0): Promise<WorkflowTaskResult> {
  return stream.until(({ requests }) => requests.flatMap((it) => it.workflowTaskResults)[index]);
}

describe("activities", () => {
  test("get their input and context, and return their result", async () => {
    const charge = defineActivity<{ amount: number }, string>("charge");
    const { transport } = start({ activities: [implementActivity(charge, ({ amount }, it) => `${String(amount)} ${it.idempotencyKey} ${String(it.attempt)}`)] });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [task("x", "charge", { amount: 5 })] });
    expect((await resultOf(stream)).outcome.value).toMatchObject({ data: bytes(`"5 w/charge 1"`) });
  });

  test("fail with what they throw", async () => {
    const { transport } = start({
      activities: {
        declined: () => { throw new ApplicationError("no", { type: "Declined", nonRetryable: true, retryAfter: "5s", details: { code: 7 } }); },
        broken: () => { throw new Error("outer", { cause: new TypeError("inner") }); },
        strange: () => () => 1,
      },
    });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [task("x", "declined"), task("y", "broken"), task("z", "strange"), task("u", "unknown")] });
    expect((await resultOf(stream)).outcome.value).toMatchObject({ type: "Declined", nonRetryable: true, retryAfter: { seconds: 5n } });
    expect((await resultOf(stream, "y")).outcome.value).toMatchObject({ type: "Error", message: "outer", cause: { type: "TypeError", message: "inner" } });
    expect((await resultOf(stream, "z")).outcome.value).toMatchObject({ type: "PayloadError", nonRetryable: true });
    expect((await resultOf(stream, "u")).outcome.value).toMatchObject({ type: "ActivityNotRegistered", nonRetryable: false });
  });

  test("fail with a value that is too big, also for a converter that knows no bound", async () => {
    const raw: PayloadConverter = {
      encode: (value) => ({ $typeName: "everturn.v1.Payload", data: bytes(String(value)), contentType: "text/plain" }),
      decode: (payload) => new TextDecoder().decode(payload.data),
    };
    const big = "x".repeat(5 * 1024 * 1024);
    const { transport } = start({ converter: raw, activities: { result: () => big, progress: (_input, context) => { context.heartbeat(big); } } });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [task("x", "result"), task("y", "progress")] });
    for (const token of ["x", "y"]) expect((await resultOf(stream, token)).outcome.value).toMatchObject({ type: "PayloadError", nonRetryable: true });
  });

  test("are told to stop, and confirm it by letting the error pass", async () => {
    const { transport } = start({
      activities: {
        long: (_input, context) => new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => { reject(context.signal.reason as CanceledError); });
        }),
      },
    });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [task("x", "long")] });
    stream.send({ cancels: [{ taskToken: bytes("x"), fenced: false }] });
    expect((await resultOf(stream)).outcome.value).toMatchObject({ kind: 3, type: "Canceled" });
  });

  test("send few heartbeats, but always the last before a failure", async () => {
    const { transport } = start({
      activities: {
        pages: async (_input, context) => {
          for (let page = 1; page <= 50; page += 1) context.heartbeat(page);
          await Promise.resolve();
          throw new Error("at page 50");
        },
      },
    });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [task("x", "pages", null, { heartbeatTimeout: { seconds: 30n } })] });
    await resultOf(stream);
    const heartbeats = stream.requests.flatMap((it) => it.heartbeats).map((it) => new TextDecoder().decode(it.details?.data));
    expect(heartbeats.at(-1)).toBe("50");
    expect(heartbeats.length).toBeLessThanOrEqual(2);
  });

  test("go on over a reconnect, and their results are sent until they are accepted", async () => {
    let finish: (value: string) => void = () => undefined;
    const { transport } = start({ activities: { slow: () => new Promise<string>((resolve) => { finish = resolve; }), quick: () => "q" } });
    const first = await transport.greeted();
    first.send({ activityTasks: [task("x", "slow"), task("y", "quick")] });
    await resultOf(first, "y");
    first.fail(new RpcError("gone", { code: "UNAVAILABLE" }));
    const second = await transport.greeted(1);
    expect(second.requests[0]?.hello?.runningTaskTokens.map((it) => new TextDecoder().decode(it))).toEqual(["x", "y"]);
    await resultOf(second, "y");
    finish("s");
    expect((await resultOf(second)).outcome.value).toMatchObject({ data: bytes(`"s"`) });
  });
});

describe("runs", () => {
  const pair = defineWorkflow<string, string>("pair", async (ctx, input) => (await ctx.activity<string>("a", input)) + (await ctx.activity<string>("b")));
  const workflowTask = { deliveryId: 1n, taskToken: bytes("t"), runId: "r", workflowId: "w", workflowType: "pair" };

  test("are kept between their tasks and go on with what is new", async () => {
    const { transport } = start({ workflows: [pair] });
    const stream = await transport.greeted();
    stream.send({ workflowTasks: [{ ...workflowTask, events: journal([started("x")]) }] });
    const first = await completionOf(stream);
    expect(first).toMatchObject({ runCached: true, seenEventId: 1n, commands: [{ key: "a" }] });
    stream.send({ acceptedResultIds: [first.resultId], workflowTasks: [{ ...workflowTask, previousEventId: 1n, events: journal([completed("a", "A")], 3) }] });
    expect((await completionOf(stream, 1)).commands).toMatchObject([{ key: "b" }]);
  });

  test("that are not kept any longer ask for the whole journal", async () => {
    const { transport } = start({ workflows: [pair], maxCachedRuns: 0 });
    const stream = await transport.greeted();
    stream.send({ workflowTasks: [{ ...workflowTask, previousEventId: 1n, events: journal([completed("a", "A")], 3) }] });
    expect(await completionOf(stream)).toMatchObject({ needsFullJournal: true });
    stream.send({ workflowTasks: [{ ...workflowTask, events: journal([started("x"), scheduled("a"), completed("a", "A")]) }] });
    expect(await completionOf(stream, 1)).toMatchObject({ runCached: false, commands: [{ key: "b" }] });
  });

  test("read the rest of a long journal themselves", async () => {
    const { transport } = start({ workflows: [pair], namespace: "n" });
    transport.journal = journal([started("x"), scheduled("a"), completed("a", "A"), scheduled("b"), completed("b", "B"), signaled("late", 1)]);
    const stream = await transport.greeted();
    stream.send({ workflowTasks: [{ ...workflowTask, events: transport.journal.slice(0, 2), lastEventId: 5n }] });
    const result = await completionOf(stream);
    expect(transport.ranges).toEqual([{ namespace: "n", workflowId: "w", runId: "r", afterEventId: 2n, throughEventId: 5n }]);
    expect(result.commands).toMatchObject([{ kind: { case: "completeRun", value: { result: { data: bytes(`"AB"`) } } } }]);
    expect(result.seenEventId).toBe(5n);
  });

  test("that are kept read the rest of a long task too, and ignore the records that come along", async () => {
    const listening = defineWorkflow<string, string[]>("pair", async (ctx) => {
      const seen: string[] = [];
      ctx.onSignal("s", (value) => seen.push(String(value)));
      await ctx.activity("a");
      return seen;
    });
    const { transport } = start({ workflows: [listening], namespace: "n" });
    transport.journal = journal([started("x"), scheduled("a"), signaled("s", 1), signaled("s", 2), signaled("s", 3), completed("a", "A")]);
    const stream = await transport.greeted();
    stream.send({ workflowTasks: [{ ...workflowTask, events: transport.journal.slice(0, 1) }] });
    await completionOf(stream);
    stream.send({ workflowTasks: [{ ...workflowTask, previousEventId: 1n, events: transport.journal.slice(2, 4), lastEventId: 6n }] });
    const result = await completionOf(stream, 1);
    expect(transport.ranges).toMatchObject([{ afterEventId: 4n, throughEventId: 6n }]);
    expect(result.commands).toMatchObject([{ kind: { case: "completeRun", value: { result: { data: bytes(`["1","2","3"]`) } } } }]);
    expect(result.seenEventId).toBe(6n);
    // Also when no event fitted at all.
    stream.send({ workflowTasks: [{ ...workflowTask, runId: "r2", events: transport.journal.slice(0, 1) }] });
    await completionOf(stream, 2);
    stream.send({ workflowTasks: [{ ...workflowTask, runId: "r2", previousEventId: 1n, events: [], lastEventId: 6n }] });
    expect((await completionOf(stream, 3)).seenEventId).toBe(6n);
    expect(transport.ranges[1]).toMatchObject({ runId: "r2", afterEventId: 1n, throughEventId: 6n });
  });

  test("read the records of messages that their code asks about", async () => {
    const turn = defineConversation({ type: "pair", onTurn: async (ctx) => {
      const { suppressed } = await ctx.reply("hello").recorded();
      ctx.state.set("why", suppressed ?? "sent");
    } });
    const { transport } = start({ conversations: [turn] });
    transport.journal = journal([
      startedTurn("hi"), event("messageSuppressed", { key: "reply", reason: 5 }), event("timerStarted", { key: "reply/recorded" }), fired("reply/recorded"),
    ]);
    const stream = await transport.greeted();
    stream.send({ workflowTasks: [{ ...workflowTask, events: transport.journal.slice(0, 1) }] });
    expect((await completionOf(stream)).commands).toMatchObject([{ key: "reply" }, { key: "reply/recorded" }]);
    // The task leaves records out, as ever.
    stream.send({ workflowTasks: [{ ...workflowTask, previousEventId: 1n, events: transport.journal.slice(3) }] });
    const { commands } = await completionOf(stream, 1);
    expect(transport.ranges).toMatchObject([{ afterEventId: 1n, throughEventId: 4n }]);
    expect(commands[0]).toMatchObject({ kind: { value: { name: "why", value: { data: bytes(`"quietHours"`) } } } });
  });

  test("that wanted to close with unread events are given them and close again", async () => {
    const seen: unknown[] = [];
    const listening = defineWorkflow("pair", (ctx) => { ctx.onSignal("s", (value) => seen.push(value)); });
    const { transport } = start({ workflows: [listening] });
    const stream = await transport.greeted();
    stream.send({ workflowTasks: [{ ...workflowTask, events: journal([started()]) }] });
    const first = await completionOf(stream);
    stream.send({ rejections: [{ resultId: first.resultId, reason: "UNREAD_EVENTS", unreadEvents: journal([signaled("s", 9)], 2) }] });
    const second = await completionOf(stream, 1);
    expect([seen, second.seenEventId, second.taskToken]).toEqual([[9], 2n, bytes("t")]);
    expect(second.commands).toMatchObject([{ kind: { case: "completeRun" } }]);
  });

  test("of unknown types, and commands that are refused, are reported as failed tasks", async () => {
    const { transport } = start({ workflows: [pair] });
    const stream = await transport.greeted();
    stream.send({ workflowTasks: [{ ...workflowTask, workflowType: "other", events: journal([started()]) }] });
    expect((await completionOf(stream)).failure).toMatchObject({ type: "WorkflowNotRegistered" });
    stream.send({ workflowTasks: [{ ...workflowTask, events: journal([started()]) }] });
    const { resultId } = await completionOf(stream, 1);
    stream.send({ rejections: [{ resultId, reason: "COMMAND_INVALID", message: "no" }] });
    expect((await completionOf(stream, 2)).failure).toMatchObject({ type: "COMMAND_INVALID", message: "the coordinator refused the commands: no" });
  });

  test("are forgotten when the stream is lost", async () => {
    const { transport } = start({ workflows: [pair] });
    const first = await transport.greeted();
    first.send({ workflowTasks: [{ ...workflowTask, events: journal([started("x")]) }] });
    await completionOf(first);
    first.fail();
    const second = await transport.greeted(1);
    second.send({ workflowTasks: [{ ...workflowTask, previousEventId: 1n, events: journal([completed("a")], 3) }] });
    expect(await completionOf(second)).toMatchObject({ needsFullJournal: true });
  });
});

describe("stopping", () => {
  test("finishes and reports what runs, then closes the stream", async () => {
    let finish: (value: string) => void = () => undefined;
    const { transport, worker, done } = start({ activities: { slow: () => new Promise<string>((resolve) => { finish = resolve; }) } });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [task("x", "slow")] });
    await stream.until((it) => it.requests.some((request) => request.ackedDeliveryIds.length > 0));
    worker.stop();
    await stream.until((it) => it.requests.some((request) => request.draining));
    finish("done");
    const result = await resultOf(stream);
    stream.send({ acceptedResultIds: [result.resultId] });
    await stream.until((it) => it.isEnded);
    stream.fail();
    await done;
    expect(transport.isClosed).toBe(true);
  });

  test("reports what is not done after the drain timeout as lost", async () => {
    const { transport, worker, done } = start({ drainTimeout: "20ms", activities: { never: () => new Promise(() => undefined) } });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [task("x", "never")] });
    await stream.until((it) => it.requests.some((request) => request.ackedDeliveryIds.length > 0));
    worker.stop();
    const result = await resultOf(stream);
    expect(result.outcome.value).toMatchObject({ kind: 5, type: "WorkerStopped" });
    stream.send({ acceptedResultIds: [result.resultId] });
    await done;
  });

  test("ends with the error when the server refuses what the worker says about itself", async () => {
    const { transport, done } = start({ activities: { a: () => 1 } });
    const stream = await transport.greeted();
    stream.fail(new RpcError("bad namespace", { code: "INVALID_ARGUMENT", reason: "FIELD_INVALID" }));
    await expect(done).rejects.toMatchObject({ reason: "FIELD_INVALID" });
  });
});

test("options out of range are refused", () => {
  expect(() => new Worker({})).toThrow("needs workflows");
  expect(() => new Worker({ activities: { a: () => 1 }, maxConcurrentActivities: 0 })).toThrow("1 to 10000");
  expect(() => new Worker({ activities: { a: () => 1 }, taskQueue: "" })).toThrow("1 to 256 bytes");
});
