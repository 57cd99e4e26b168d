// Partial output and usage of activities, on their way to the coordinator.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { type ActivityContext, RpcError, silentLogger, Worker } from "../src/index.js";
import { WorkResponseSchema } from "../src/gen/everturn/v1/worker_service_pb.js";
import { activityContext } from "../src/testing/index.js";
import { Budget } from "../src/worker/batch.js";
import { OutputLedger, PIECE_BYTES_MAX, piecesOf, WAITING_BYTES_MAX } from "../src/worker/output-ledger.js";
import { Session } from "../src/worker/session.js";
import { json } from "./journals.js";
import { type MemoryStream, MemoryTransport } from "./memory-transport.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(data);

describe("chunks", () => {
  test("are cut at characters, so that every piece is text", () => {
    const chunk = "ä漢👋".repeat(20_000);
    const pieces = piecesOf(chunk);
    expect(pieces.map(text).join("")).toBe(chunk);
    expect(Math.max(...pieces.map((it) => it.length))).toBeLessThanOrEqual(PIECE_BYTES_MAX);
    expect(pieces).toHaveLength(Math.ceil(180_000 / PIECE_BYTES_MAX));
  });

  test("of bytes are copied, and need not be text", () => {
    const chunk = new Uint8Array(PIECE_BYTES_MAX + 10).fill(0x80);
    const pieces = piecesOf(chunk);
    chunk.fill(0);
    expect(Buffer.concat(pieces).every((byte) => byte === 0x80)).toBe(true);
    expect(piecesOf("")).toEqual([]);
  });
});

describe("a ledger of outputs", () => {
  const taken = (ledger: OutputLedger): string[] => ledger.take(new Budget()).map((it) => `${String(it.sequence)} ${text(it.data)}`);

  test("numbers the pieces of each attempt from 1", () => {
    const ledger = new OutputLedger();
    ledger.add("x", bytes("x"), [bytes("a"), bytes("b")]);
    ledger.add("y", bytes("y"), [bytes("c")]);
    expect(taken(ledger)).toEqual(["1 a", "2 b", "1 c"]);
    ledger.add("x", bytes("x"), [bytes("d")]);
    expect(taken(ledger)).toEqual(["3 d"]);
    expect(ledger.hasOutput).toBe(false);
  });

  test("sends what it sent last again on a new stream, with the same numbers", () => {
    const ledger = new OutputLedger();
    ledger.add("x", bytes("x"), [bytes("a"), bytes("b")]);
    taken(ledger);
    ledger.add("x", bytes("x"), [bytes("c")]);
    ledger.rewind();
    expect(taken(ledger)).toEqual(["1 a", "2 b", "3 c"]);
  });

  test("keeps the last megabyte while nothing can be sent, and leaves a gap where pieces are missing", () => {
    const ledger = new OutputLedger();
    const piece = new Uint8Array(PIECE_BYTES_MAX);
    for (let count = 0; count < WAITING_BYTES_MAX / PIECE_BYTES_MAX; count += 1) expect(ledger.add("x", bytes("x"), [piece])).toBe(true);
    expect(ledger.add("x", bytes("x"), [bytes("last")])).toBe(false);
    const sent = ledger.take(new Budget());
    expect([sent.length, sent[0]?.sequence, text(sent.at(-1)!.data)]).toEqual([16, 2n, "last"]);
  });

  test("puts many small chunks that waited together to few pieces", () => {
    const ledger = new OutputLedger();
    for (let count = 0; count < 5_000; count += 1) ledger.add("x", bytes("x"), [bytes("token ")]);
    const sent = ledger.take(new Budget());
    expect([sent.length, sent.map((it) => text(it.data)).join("")]).toEqual([1, "token ".repeat(5_000)]);
  });

  test("goes on in the next message where a batch is full", () => {
    const ledger = new OutputLedger();
    const budget = new Budget();
    budget.take(3 * 1024 * 1024 - 100);
    ledger.add("x", bytes("x"), [bytes("a".repeat(60)), bytes("b".repeat(60))]);
    expect([ledger.take(budget).length, ledger.isDue("x")]).toEqual([1, true]);
    expect(taken(ledger)).toEqual([`2 ${"b".repeat(60)}`]);
  });
});

describe("a session", () => {
  const task = { deliveryId: 1n, taskToken: bytes("x"), activityType: "a" };
  const receive = (session: Session, response: MessageInitShape<typeof WorkResponseSchema>) => session.receive(create(WorkResponseSchema, response), 0);

  function open(): Session {
    const session = new Session({ namespace: "n", taskQueue: "q", identity: "me", buildId: "", activitySlots: 4, workflowSlots: 0 });
    session.connect(0);
    receive(session, { welcome: { streamId: 1n } });
    receive(session, { activityTasks: [task, { ...task, taskToken: bytes("y") }] });
    session.take(0);
    return session;
  }

  test("sends the output of an attempt before its result, and does not hold others back", () => {
    const session = open();
    session.output(bytes("x"), [bytes("a")]);
    session.finishActivity(bytes("x"), { case: "result", value: json(1) });
    session.finishActivity(bytes("y"), { case: "result", value: json(2) });
    const first = session.take(0);
    expect([first?.outputs.length, first?.activityResults.map((it) => text(it.taskToken))]).toEqual([1, ["y"]]);
    expect(session.take(0)?.activityResults.map((it) => text(it.taskToken))).toEqual(["x"]);
  });

  test("sends nothing of an attempt that is over for the server", () => {
    const session = open();
    session.output(bytes("x"), [bytes("a")]);
    receive(session, { cancels: [{ taskToken: bytes("x"), fenced: true }] });
    session.output(bytes("x"), [bytes("b")]);
    expect(session.take(0)?.outputs ?? []).toEqual([]);
  });

  test("sends outputs again after a reconnect, but not of attempts that have ended", () => {
    const session = open();
    session.output(bytes("x"), [bytes("a")]);
    session.output(bytes("y"), [bytes("b")]);
    session.take(0);
    session.disconnect();
    session.finishActivity(bytes("y"), { case: "result", value: json(2) });
    session.connect(0);
    receive(session, { welcome: { streamId: 2n } });
    const sent = session.take(0);
    expect([sent?.outputs.map((it) => text(it.data)), sent?.activityResults.length]).toEqual([["a"], 1]);
  });
});

describe("a worker", () => {
  const workers: Worker[] = [];
  afterEach(() => {
    for (const worker of workers.splice(0)) { worker.stop(); worker.stop(); }
  });

  async function run(code: (context: ActivityContext) => unknown): Promise<{ transport: MemoryTransport; stream: MemoryStream }> {
    const transport = new MemoryTransport();
    const worker = new Worker({ activities: { draft: (_input, context) => code(context) }, logger: silentLogger, handleSignals: false, transport });
    workers.push(worker);
    void worker.run();
    const stream = await transport.greeted();
    stream.send({ activityTasks: [{ deliveryId: 1n, taskToken: bytes("x"), activityType: "draft", attempt: 1 }] });
    return { transport, stream };
  }
  const resultOf = (stream: MemoryStream) => stream.until(({ requests }) => requests.flatMap((it) => it.activityResults)[0]);
  const streamed = (stream: MemoryStream): string[] => stream.requests.flatMap((it) => it.outputs).map((it) => `${String(it.sequence)} ${text(it.data)}`);

  test("hands chunks on in the next turn of the event loop", async () => {
    let later = 0;
    const { stream } = await run(async (context) => {
      context.stream("Hel");
      context.stream(bytes("lo"));
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      later = streamed(stream).length;
      context.stream("!");
      return "Hello!";
    });
    await resultOf(stream);
    expect(later).toBe(2);
    expect(streamed(stream)).toEqual(["1 Hel", "2 lo", "3 !"]);
  });

  test("goes on streaming over a reconnect", async () => {
    let finish: () => void = () => undefined;
    const { transport, stream } = await run(async (context) => {
      context.stream("a");
      await new Promise<void>((resolve) => { finish = resolve; });
      context.stream("b");
    });
    await stream.until((it) => it.requests.some((request) => request.outputs.length > 0));
    stream.fail(new RpcError("gone", { code: "UNAVAILABLE" }));
    const second = await transport.greeted(1);
    finish();
    await resultOf(second);
    expect(streamed(second)).toEqual(["1 a", "2 b"]);
  });

  test("sends what was used with the result and with the failure", async () => {
    const { stream } = await run((context) => {
      context.reportUsage({ inputTokens: 100, costMicros: 5, currency: "EUR" });
      context.reportUsage({ inputTokens: 20, outputTokens: 7 });
      throw new Error("no");
    });
    const result = await resultOf(stream);
    expect([result.outcome.case, result.usage]).toMatchObject(["failure", { inputTokens: 120n, outputTokens: 7n, costMicros: 5n, currency: "EUR" }]);
  });

  test("sends no usage when none was reported", async () => {
    const { stream } = await run(() => 1);
    expect((await resultOf(stream)).usage).toBeUndefined();
  });
});

test("usage that cannot be right is refused where it is reported", () => {
  const { context, usage, streamed } = activityContext();
  for (const wrong of [{ inputTokens: -1 }, { outputTokens: 0.5 }, { costMicros: 5 }, { costMicros: 5, currency: "euro" }]) expect(() => { context.reportUsage(wrong); }).toThrow(RangeError);
  context.reportUsage({ costMicros: 5, currency: "EUR" });
  expect(() => { context.reportUsage({ costMicros: 5, currency: "USD" }); }).toThrow("one currency");
  context.stream("a");
  context.stream("b");
  expect([usage(), streamed()]).toEqual([{ inputTokens: 0, outputTokens: 0, costMicros: 5, currency: "EUR" }, "ab"]);
});
