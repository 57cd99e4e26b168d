// The testing kit: runs in memory, children, signals, journals.
import { expect, test } from "vitest";
import type { SignalError} from "../src/index.js";
import {
  ApplicationError, ChildError, defineActivity, defineSignal, defineWorkflow, implementActivity, WorkflowError,
} from "../src/index.js";
import { activityContext, readJournal, replayJournal, TestEnvironment, writeJournal } from "../src/testing/index.js";

const charge = defineActivity<number, string>("charge");
const decision = defineSignal<boolean>("decision");

const order = defineWorkflow<number, string>("order", async (ctx, amount) => {
  ctx.state.set("amount", amount);
  if (amount > 100 && !(await ctx.waitSignal(decision))) return "refused";
  await ctx.sleep("3d");
  return ctx.activity(charge, amount);
});

test("a workflow runs to its end without waiting for time", async () => {
  const world = new TestEnvironment({ activities: [implementActivity(charge, (amount) => `paid ${String(amount)}`)] });
  const run = world.start(order, 200);
  run.signal(decision, true, "1h");
  expect(await run.result()).toBe("paid 200");
  expect(run.state()).toEqual({ amount: 200 });
  expect(world.now()).toBe(Date.UTC(2026, 0, 4, 1));
});

test("a run that nothing will wake is reported", async () => {
  await expect(new TestEnvironment().start(order, 200).result()).rejects.toThrow("waits for: a signal");
});

test("children run beside each other and fail their parent with their failure", async () => {
  const child = defineWorkflow<string, string>("child", async (ctx, name) => {
    await ctx.sleep("1m");
    if (name === "b") throw new ApplicationError("no", { type: "Unwilling" });
    return name.toUpperCase();
  });
  const parent = defineWorkflow<undefined, unknown>("parent", async (ctx) => {
    const a = ctx.child(child, "a");
    const b = ctx.child(child, "b", { key: "second" }).catch((error: unknown) =>
      error instanceof ChildError ? `${error.status} ${error.failure.type}` : "?");
    return Promise.all([a, b]);
  });
  expect(await new TestEnvironment({ workflows: [child] }).start(parent, undefined).result()).toEqual(["A", "failed Unwilling"]);
});

test("a canceled workflow ends as canceled", async () => {
  const run = new TestEnvironment().start(order, 1);
  run.cancel("1h");
  await expect(run.result()).rejects.toMatchObject({ status: "canceled" });
  await expect(run.result()).rejects.toBeInstanceOf(WorkflowError);
});

test("a signal to nobody is refused", async () => {
  const program = defineWorkflow<undefined, string>("w", async (ctx) => {
    try {
      await ctx.signal("nobody", decision, true);
      return "delivered";
    } catch (error) {
      return (error as SignalError).failure.type;
    }
  });
  expect(await new TestEnvironment().start(program, undefined).result()).toBe("RUN_NOT_FOUND");
});

test("a journal can be stored, and replays with code that fits it", async () => {
  const world = new TestEnvironment({ activities: { charge: () => "paid" } });
  const run = world.start(order, 5);
  await run.result();
  const stored = JSON.stringify(writeJournal(run.events));
  const events = readJournal(JSON.parse(stored));
  expect(await replayJournal(order, events)).toEqual({ newCommands: [], isClosed: true });
  const changed = defineWorkflow<number, string>("order", (ctx, amount) => ctx.activity(charge, amount));
  await expect(replayJournal(changed, events)).rejects.toMatchObject({ type: "Drift" });
  const other = defineWorkflow<number, string>("order", async (ctx, amount) => {
    ctx.state.set("amount", amount);
    await ctx.activity("sleep");
    return "";
  });
  await expect(replayJournal(other, events)).rejects.toMatchObject({ type: "KindMismatch" });
});

test("the context of an activity remembers heartbeats and can be canceled", () => {
  const probe = activityContext({ attempt: 2, key: "charge", heartbeatDetails: { done: 3 } });
  expect(probe.context.heartbeatDetails).toEqual({ done: 3 });
  expect(probe.context.idempotencyKey).toBe("workflow/charge");
  probe.context.heartbeat("a");
  probe.context.heartbeat("b");
  expect(probe.heartbeats).toEqual(["a", "b"]);
  probe.cancel();
  expect(() => { probe.context.throwIfCanceled(); }).toThrow("should stop");
});
