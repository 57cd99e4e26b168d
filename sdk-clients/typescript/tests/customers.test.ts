// Customers, not only conversations: imports in parts, and adapters that show who types.
import { expect, test } from "vitest";
import { partsOf } from "../src/client/imports.js";
import { implementDelivery, type ImportedMessage, jsonConverter, silentLogger, type TypingNotice, Worker } from "../src/index.js";
import { MemoryTransport } from "./memory-transport.js";

const messages = (count: number, text = "hi"): ImportedMessage[] =>
  Array.from({ length: count }, () => ({ authorKind: "customer", text, createTime: new Date(0) }));

async function sizes(given: ImportedMessage[]): Promise<[number, number][]> {
  const parts: [number, number][] = [];
  for await (const part of partsOf(given, jsonConverter)) parts.push([Number(part.afterSequence), part.messages.length]);
  return parts;
}

test("a transcript goes in parts that a coordinator takes", async () => {
  expect(await sizes([])).toEqual([[0, 0]]);
  expect(await sizes(messages(1_200))).toEqual([[0, 500], [500, 500], [1_000, 200]]);
  expect(await sizes(messages(2, "x".repeat(1_000_000)))).toEqual([[0, 1], [1, 1]]);
});

test("an adapter that can is told who types, and its errors harm nothing", async () => {
  const seen: TypingNotice[] = [];
  const email = implementDelivery("email", { showTyping: (notice) => { seen.push(notice); throw new Error("gone"); } }, () => undefined);
  const sms = implementDelivery("sms", {}, () => undefined);
  const transport = new MemoryTransport();
  const worker = new Worker({ logger: silentLogger, handleSignals: false, drainTimeout: "10ms", deliveries: [email, sms], transport });
  const done = worker.run();
  const stream = await transport.greeted();
  expect(stream.requests[0]?.hello?.queues.map((it) => it.canShowTyping)).toEqual([true, false]);
  const notice = { conversationId: "c", channel: "email", address: "jo@example.org", authorKind: 2, authorName: "", isTyping: true };
  stream.send({ typing: [notice, { ...notice, channel: "sms" }, { ...notice, isTyping: false }] });
  await expect.poll(() => seen.length).toBe(2);
  expect(seen[0]).toEqual({ ...notice, authorKind: "agent" });
  expect(seen.map((it) => it.isTyping)).toEqual([true, false]);
  worker.stop();
  await done;
});
