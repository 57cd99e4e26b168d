// Code that does not end is broken off, and everything else goes on.
import { afterEach, expect, test } from "vitest";
import { defineWorkflow, type Program, silentLogger, Worker } from "../src/index.js";
import type { WorkflowTaskResult } from "../src/gen/everturn/v1/worker_service_pb.js";
import { journal, started } from "./journals.js";
import { type MemoryStream, MemoryTransport } from "./memory-transport.js";

const workers: Worker[] = [];

afterEach(() => {
  for (const worker of workers.splice(0)) {
    worker.stop();
    worker.stop();
  }
});

function start(workflows: Program[]): MemoryTransport {
  const transport = new MemoryTransport();
  const worker = new Worker({ workflows, logger: silentLogger, handleSignals: false, blockedTimeout: 300, transport });
  workers.push(worker);
  void worker.run();
  return transport;
}

const task = (type: string) => ({
  deliveryId: 1n, taskToken: new TextEncoder().encode(type), workflowId: type, runId: type, workflowType: type, events: journal([started()]),
});

function resultOf(stream: MemoryStream, type: string): Promise<WorkflowTaskResult> {
  return stream.until(({ requests }) => requests.flatMap((it) => it.workflowTaskResults).find((it) => new TextDecoder().decode(it.taskToken) === type));
}

test.each<[string, () => unknown]>([
  ["an endless loop", () => { for (;;) { /* for ever */ } }],
  ["a catastrophic regular expression", () => /^(a+)+$/.test(`${"a".repeat(60)}b`)],
  ["Atomics.wait", () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)],
  ["an endless loop after an await", async () => { await Promise.resolve(); for (;;) { /* for ever */ } }],
])("%s is reported with its stack while other runs go on", async (_name, hang) => {
  const good = defineWorkflow<undefined, string>("good", (ctx) => ctx.run("local", async () => { await new Promise((resolve) => setTimeout(resolve, 10)); return "ok"; }));
  const bad = defineWorkflow("bad", function theBadCode() { return hang() as undefined; });
  const transport = start([good as Program, bad as Program]);
  const stream = await transport.greeted();
  stream.send({ workflowTasks: [task("good"), task("bad")] });
  const failed = await resultOf(stream, "bad");
  expect(failed.failure).toMatchObject({ type: "Blocked" });
  expect(failed.failure?.stackTrace).toContain("watchdog.test.ts");
  expect((await resultOf(stream, "good")).commands.at(-1)?.kind.case).toBe("completeRun");
  // The process is as good as before.
  stream.send({ workflowTasks: [{ ...task("good"), taskToken: new TextEncoder().encode("again"), runId: "again" }] });
  expect((await resultOf(stream, "again")).commands.at(-1)?.kind.case).toBe("completeRun");
}, 20_000);
