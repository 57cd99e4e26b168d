// What the process gives to the code of a run: the run's time and chance, nothing that would not survive a restart; and what nobody looks at.
import * as crypto from "node:crypto";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { defineWorkflow, type Logger, NotDurableError, silentLogger, type WorkflowContext } from "../src/index.js";
import { TestEnvironment } from "../src/testing/index.js";
import { event, journal, runOf, started, wanted } from "./journals.js";
import { create } from "@bufbuild/protobuf";
import { FailureSchema } from "../src/gen/everturn/v1/failure_pb.js";

const workflow = (run: (ctx: WorkflowContext) => unknown) => defineWorkflow<unknown, unknown>("test", run);
// Installs what workers install.
new TestEnvironment();

async function result(code: (ctx: WorkflowContext) => unknown, runId = "r"): Promise<unknown> {
  const { commands } = await runOf(workflow(code), { runId }).advance(journal([started()]));
  const { kind } = commands.at(-1)!;
  return kind.case === "completeRun" ? JSON.parse(new TextDecoder().decode(kind.value.result?.data)) : kind;
}

describe("time and chance within a run", () => {
  const look = () => [
    Date.now(), new Date().getTime(), Date().length > 0, performance.now(), Math.random(), randomUUID(), crypto.randomUUID(), globalThis.crypto.randomUUID(),
    [...globalThis.crypto.getRandomValues(new Uint8Array(4))], crypto.randomBytes(4).toString("hex"), crypto.randomInt(1_000), String(process.hrtime.bigint()),
  ];

  test("are the run's: the same in every replay, other for another run", async () => {
    const first = await result(look) as unknown[];
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await result(look)).toEqual(first);
    expect(first[0]).toBe(1_000);
    expect(first[1]).toBe(1_000);
    expect(first[3]).toBe(0);
    expect(await result(look, "another")).not.toEqual(first);
  });

  test("are the process's outside of it, also in its local steps", async () => {
    const near = (ms: unknown): boolean => Math.abs(Number(ms) - Date.now()) < 60_000;
    expect(near(Date.now())).toBe(true);
    expect(Math.random()).not.toBe(Math.random());
    expect(new Date(5).getTime()).toBe(5);
    expect(new Date() instanceof Date).toBe(true);
    expect(near(await result((ctx) => ctx.run("now", () => Date.now())))).toBe(true);
    const background: number[] = [];
    const other = (async () => { for (let i = 0; i < 20; i += 1) { await Promise.resolve(); background.push(Date.now()); } })();
    await Promise.all([other, result(async () => { for (let i = 0; i < 20; i += 1) await Promise.resolve(); return 1; })]);
    expect(background.every(near)).toBe(true);
  });
});

describe("what would not survive a restart", () => {
  test.each<[string, () => unknown, string]>([
    ["setTimeout", () => setTimeout(() => 1, 1), "ctx.sleep"],
    ["setInterval", () => setInterval(() => 1, 1), "ctx.sleep"],
    ["setImmediate", () => setImmediate(() => 1), "ctx.sleep"],
    ["fetch", () => fetch("http://127.0.0.1:1"), "an activity"],
    ["reading a file", () => fs.readFileSync("/dev/null"), "an activity"],
    ["reading a file with promises", () => readFile("/dev/null"), "an activity"],
  ])("%s is refused at the call, with the way out", async (_name, call, advice) => {
    let error: unknown;
    await result(() => { try { call(); } catch (thrown) { error = thrown; } return 1; });
    expect(error).toBeInstanceOf(NotDurableError);
    expect((error as Error).message).toContain(advice);
  });

  test("is there outside of runs", async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(fs.readFileSync("/dev/null").length + (await readFile("/dev/null")).length).toBe(0);
    expect(await result((ctx) => ctx.run("file", () => fs.existsSync("/dev/null")))).toBe(true);
    expect(typeof fs.realpathSync.native).toBe("function");
  });
});

describe("what nobody looks at is recorded with the run, once", () => {
  const failure = create(FailureSchema, { type: "Declined", message: "no" });
  const activityFailed = (key: string) => event("activityFailed", { key, attempt: 1, failure });
  const problems = (progress: Awaited<ReturnType<ReturnType<typeof runOf>["advance"]>>) =>
    progress.commands.flatMap(({ key, kind }) => (kind.case === "recordProblem" ? [{ key, ...kind.value.failure }] : []));
  const lines: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (_message, fields) => void lines.push(fields?.["key"]) };

  test("a failed step that was never awaited", async () => {
    const code = workflow(async (ctx) => { void ctx.activity("a"); await ctx.sleep("1h"); return 1; });
    const run = runOf(code, { logger });
    await run.advance(journal([started()]));
    await run.advance(journal([activityFailed("a")], 4));
    const found = problems(await run.advance(journal([event("timerFired", { key: "sleep" })], 5)));
    expect(found).toMatchObject([{ key: "problem/a", type: "UnawaitedStep", cause: { type: "ActivityError", cause: { type: "Declined" } } }]);
    expect(found[0]?.stackTrace).toContain("durable.test.ts");
    expect(lines).toEqual(["problem/a"]);
  });

  test("but not one that is awaited late, and not one that was canceled", async () => {
    const run = runOf(workflow(async (ctx) => {
      const a = ctx.activity("a");
      const b = ctx.activity("b");
      await ctx.sleep("1h");
      await a.catch(() => undefined);
      b.cancel();
    }));
    await run.advance(journal([started()]));
    await run.advance(journal([activityFailed("a")], 5));
    expect(problems(await run.advance(journal([event("timerFired", { key: "sleep" })], 6)))).toEqual([]);
  });

  test("a step left behind at the return", async () => {
    const progress = await runOf(workflow((ctx) => { void ctx.activity("charge"); return 1; })).advance(journal([started()]));
    expect(problems(progress)).toMatchObject([{ key: "problem/charge", type: "StepLeftBehind", message: 'step "charge" (an activity "charge") was left behind: the code returned without waiting for it' }]);
    expect(wanted(progress).at(-1)).toBe("complete 1");
  });

  test("a rejection without a handler, with its own run although others run beside it", async () => {
    const bad = runOf(workflow(async (ctx) => { void Promise.reject(new TypeError("oops")); await ctx.activity("a"); }));
    const good = runOf(workflow((ctx) => ctx.activity("a")));
    await Promise.all([bad.advance(journal([started()])), good.advance(journal([started()]))]);
    const [ofBad, ofGood] = await Promise.all([bad, good].map((run) => run.advance(journal([event("activityCompleted", { key: "a" })], 3))));
    expect(problems(ofBad!)).toMatchObject([{ key: "problem/rejection", type: "TypeError", message: "oops" }]);
    expect(problems(ofGood!)).toEqual([]);
  });

  test("and not again in replay", async () => {
    lines.length = 0;
    const code = workflow(async (ctx) => { void ctx.activity("a"); await ctx.sleep("1h"); return 1; });
    const events = journal([
      started(), event("activityScheduled", { key: "a", activityType: "a" }), event("timerStarted", { key: "sleep" }), activityFailed("a"),
      event("timerFired", { key: "sleep" }), event("problemRecorded", { key: "problem/a" }),
    ]);
    expect(problems(await runOf(code, { logger, isStrict: true }).advance(events))).toEqual([]);
    expect(lines).toEqual([]);
  });
});

