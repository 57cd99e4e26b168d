// Many workers in one process share what they listen to: Node warns of leaks from eleven listeners on.
import { expect, test } from "vitest";
import { defineWorkflow, type Program, silentLogger, Worker } from "../src/index.js";
import { MemoryTransport } from "./memory-transport.js";

test("twenty workers listen no more than one does", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  const names = ["SIGTERM", "SIGINT", "unhandledRejection", "rejectionHandled"] as const;
  const before = names.map((name) => process.listenerCount(name));
  const works = defineWorkflow("works", () => undefined) as Program;
  const workers = Array.from({ length: 20 }, () => new Worker({ workflows: [works], logger: silentLogger, transport: new MemoryTransport() }));
  const running = workers.map((worker) => worker.run());
  expect(names.map((name, index) => process.listenerCount(name) - (before[index] ?? 0)).every((more) => more <= 1)).toBe(true);
  for (const worker of workers) {
    worker.stop();
    worker.stop();
  }
  await Promise.all(running);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  expect(warnings).toEqual([]);
  expect(process.listenerCount("SIGTERM")).toBe(before[0]);
});
