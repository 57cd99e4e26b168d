// A worker that delivers messages, and what workers tell the coordinator about conversations.
import { afterEach, describe, expect, test } from "vitest";
import { FailureKind } from "../src/gen/everturn/v1/failure_pb.js";
import { ApplicationError, defineConversation, DeliveryUnknownError, implementDelivery, RpcError, silentLogger, Worker, type WorkerOptions } from "../src/index.js";
import { type MemoryStream, MemoryTransport } from "./memory-transport.js";
import { message } from "./journals.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const workers: Worker[] = [];

function start(options: WorkerOptions): { transport: MemoryTransport; worker: Worker; done: Promise<void> } {
  const transport = new MemoryTransport();
  const worker = new Worker({ logger: silentLogger, handleSignals: false, drainTimeout: "10ms", ...options, transport });
  workers.push(worker);
  return { transport, worker, done: worker.run() };
}

afterEach(() => {
  for (const worker of workers.splice(0)) { worker.stop(); worker.stop(); }
});

const delivery = (token: string, channel = "email", more: object = {}) => ({
  deliveryId: 1n, taskToken: bytes(token), activityType: "deliver", attempt: 1, workflowId: "c", key: "c/message-3", taskQueue: `deliver.${channel}`,
  delivery: { conversationId: "c", message: message("Hello", 3), address: "jo@example.org", idempotencyKey: "c/message-3", reconcile: false, ...more },
});
const resultOf = (stream: MemoryStream, token = "x") =>
  stream.until(({ requests }) => requests.flatMap((it) => it.activityResults).find((it) => new TextDecoder().decode(it.taskToken) === token));

describe("deliveries", () => {
  test("come from the queue of their channel, with what the adapter can do", async () => {
    const email = implementDelivery("email", { canReconcile: true }, () => undefined);
    const sms = implementDelivery("sms", {}, () => undefined);
    const { transport } = start({ deliveries: [email, sms] });
    const stream = await transport.greeted();
    expect(stream.requests[0]?.hello?.queues).toMatchObject([
      { taskQueue: "deliver.email", kind: 2, canReconcile: true }, { taskQueue: "deliver.sms", kind: 2, canReconcile: false },
    ]);
    expect((await stream.until((it) => it.requests.find((request) => request.credits !== undefined))).credits?.activityCount).toBe(100);
  });

  test("are given the message, and return what the provider said as JSON", async () => {
    const seen: unknown[] = [];
    const email = implementDelivery("email", {}, (it, context) => {
      seen.push([it.message.text, it.address, it.idempotencyKey, it.reconcile, context.attempt, context.idempotencyKey]);
      return { providerMessageId: "<1@mail>" };
    });
    const { transport } = start({ deliveries: [email] });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [delivery("x", "email", { reconcile: true })] });
    expect((await resultOf(stream)).outcome).toMatchObject({ case: "result", value: { data: bytes(`{"providerMessageId":"<1@mail>"}`), contentType: "" } });
    expect(seen).toEqual([["Hello", "jo@example.org", "c/message-3", true, 1, "c/message-3"]]);
  });

  test("bring the thread that they answer", async () => {
    const seen: unknown[] = [];
    const email = implementDelivery("email", {}, ({ inReplyTo }) => { seen.push(inReplyTo); return undefined; });
    const { transport } = start({ deliveries: [email] });
    const stream = await transport.greeted();
    const thread = { providerMessageIds: ["<2@mail>"], subject: "Parcel", references: ["<1@mail>", "<2@mail>"] };
    stream.send({ activityTasks: [delivery("x", "email", { inReplyTo: thread }), delivery("y")] });
    await resultOf(stream, "y");
    expect(seen).toEqual([thread, undefined]);
  });

  test("that change a message go to adapters that can, and fail for good with others", async () => {
    const seen: unknown[] = [];
    const chat = implementDelivery("chat", { canChange: true }, ({ action, changedProviderMessageId }) => { seen.push([action, changedProviderMessageId]); return undefined; });
    const sms = implementDelivery("sms", {}, () => { throw new Error("it must not be given to this one"); });
    const { transport } = start({ deliveries: [chat, sms] });
    const stream = await transport.greeted();
    const [edit, retract] = [{ action: 2, changedProviderMessageId: "m-1" }, { action: 3, changedProviderMessageId: "m-2" }];
    stream.send({ activityTasks: [delivery("x", "chat", edit), delivery("y", "chat", retract), delivery("z", "sms", edit)] });
    expect((await resultOf(stream, "z")).outcome.value).toMatchObject({ type: "DeliveryChangeUnsupported", nonRetryable: true });
    await resultOf(stream, "y");
    expect(seen).toEqual([["edit", "m-1"], ["retract", "m-2"]]);
  });

  test("are accepted whatever their adapter takes for the provider's id", async () => {
    const email = implementDelivery("email", {}, () => ({ providerMessageId: 17n as unknown as string }));
    const { transport } = start({ deliveries: [email] });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [delivery("x")] });
    expect((await resultOf(stream)).outcome).toMatchObject({ case: "result", value: { data: bytes(`{"providerMessageId":"17"}`) } });
  });

  test("that the provider refused fail, for good if the adapter says so", async () => {
    const sms = implementDelivery("sms", {}, () => { throw new ApplicationError("no such number", { type: "BadNumber", nonRetryable: true }); });
    const { transport } = start({ deliveries: [sms] });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [delivery("x", "sms"), delivery("y", "fax")] });
    expect((await resultOf(stream)).outcome.value).toMatchObject({ type: "BadNumber", nonRetryable: true });
    expect((await resultOf(stream, "y")).outcome.value).toMatchObject({ type: "DeliveryNotRegistered", nonRetryable: false });
  });

  test("that nobody can tell of are reported as lost: they are unknown, or reconciled", async () => {
    const email = implementDelivery("email", {}, () => { throw new DeliveryUnknownError("no answer"); });
    const { transport } = start({ deliveries: [email] });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [delivery("x")] });
    expect((await resultOf(stream)).outcome.value).toMatchObject({ kind: FailureKind.WORKER_LOST, type: "DeliveryUnknown", message: "no answer" });
  });

  test("that a stopping worker cuts off are lost too, whether the adapter heeds its signal or not", async () => {
    const heeding = implementDelivery("email", {}, (_it, context) => new Promise((_resolve, reject) => {
      context.signal.addEventListener("abort", () => { reject(context.signal.reason as Error); });
    }));
    const hanging = implementDelivery("sms", {}, () => new Promise(() => undefined));
    const { transport, worker, done } = start({ deliveries: [heeding, hanging] });
    const stream = await transport.greeted();
    stream.send({ activityTasks: [delivery("x"), delivery("y", "sms")] });
    await stream.until((it) => it.requests.some((request) => request.ackedDeliveryIds.length > 0));
    worker.stop();
    for (const token of ["x", "y"]) {
      const result = await resultOf(stream, token);
      expect(result.outcome.value).toMatchObject({ kind: FailureKind.WORKER_LOST, type: "DeliveryCutOff" });
      stream.send({ acceptedResultIds: [result.resultId] });
    }
    await done;
  });

  test("of one channel have one adapter, and channels have names", () => {
    const email = implementDelivery("email", {}, () => undefined);
    expect(() => new Worker({ deliveries: [email, email] })).toThrow("two adapters");
    expect(() => implementDelivery("", {}, () => undefined)).toThrow(RangeError);
  });
});

describe("conversation types", () => {
  const support = defineConversation({
    type: "support",
    onTurn: () => undefined,
    turnPolicy: { debounce: { quiet: "2s" }, onEvent: "STEER", idleTimeout: "1d", quietHours: { timeZone: "Europe/Berlin", start: "21:30", end: "08:00" }, budget: { tokens: 1000 } },
    retention: "30d",
  });
  const plain = defineConversation({ type: "plain", onTurn: () => undefined });

  test("are registered before the worker takes tasks, those that say something", async () => {
    const { transport } = start({ conversations: [support, plain], namespace: "n" });
    await transport.greeted();
    expect(transport.types).toMatchObject([{
      namespace: "n",
      settings: {
        conversationType: "support", retention: { seconds: 2_592_000n },
        turnPolicy: { debounce: { quiet: { seconds: 2n } }, onBusy: 0, onEvent: 3, idleTimeout: { seconds: 86_400n }, quietHours: { startMinute: 1290, endMinute: 480 }, budget: { tokens: 1000n } },
      },
    }]);
  });

  test("are left alone when the worker is told so", async () => {
    const { transport } = start({ conversations: [support], registerTypes: false });
    await transport.greeted();
    expect(transport.types).toEqual([]);
  });

  test("are registered again while the coordinator is away, and not at all at an older one", async () => {
    const transport = new MemoryTransport();
    const codes = ["UNAVAILABLE", "UNIMPLEMENTED"] as const;
    transport.onRegister = () => { throw new RpcError("no", { code: codes[transport.types.length - 1]! }); };
    const worker = new Worker({ conversations: [support], logger: silentLogger, handleSignals: false, transport });
    workers.push(worker);
    void worker.run();
    await transport.greeted();
    expect(transport.types).toHaveLength(2);
  });

  test("that the coordinator refuses end the worker with the error", async () => {
    const transport = new MemoryTransport();
    transport.onRegister = () => { throw new RpcError("bad zone", { code: "INVALID_ARGUMENT", reason: "FIELD_INVALID" }); };
    const worker = new Worker({ conversations: [support], logger: silentLogger, handleSignals: false, transport });
    await expect(worker.run()).rejects.toMatchObject({ reason: "FIELD_INVALID" });
    expect(transport.streams).toHaveLength(0);
  });

  test("do not keep a worker from stopping", async () => {
    const transport = new MemoryTransport();
    transport.onRegister = () => { throw new RpcError("away", { code: "UNAVAILABLE" }); };
    const worker = new Worker({ conversations: [support], logger: silentLogger, handleSignals: false, transport });
    const done = worker.run();
    worker.stop();
    await done;
    expect(transport.isClosed).toBe(true);
  });
});
