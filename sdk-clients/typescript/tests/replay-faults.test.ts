// The replay core when code and journal do not fit, or the code leaves the rules.
import { describe, expect, test } from "vitest";
import { defineWorkflow, type Logger, silentLogger, type WorkflowContext } from "../src/index.js";
import { completed, event, journal, runOf, scheduled, started, wanted } from "./journals.js";

const code = (run: (ctx: WorkflowContext) => unknown) => defineWorkflow<unknown, unknown>("test", run);

describe("drift", () => {
  const gone = journal([started(), scheduled("old"), completed("old"), scheduled("kept"), completed("kept", 1)]);

  test("warns of steps that the code no longer takes", async () => {
    const lines: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (_message, fields) => void lines.push(fields?.["steps"]) };
    expect(wanted(await runOf(code((ctx) => ctx.activity("kept")), { logger }).advance(gone))).toEqual(["complete 1"]);
    expect(lines).toEqual([`"old" (an activity "old")`]);
  });

  test("is an error in strict mode", async () => {
    const run = runOf(code((ctx) => ctx.activity("kept")), { isStrict: true });
    await expect(run.advance(gone)).rejects.toMatchObject({ type: "Drift" });
  });

  test("runs steps that are new", async () => {
    const program = code(async (ctx) => [await ctx.activity("kept"), await ctx.activity("new")]);
    expect(wanted(await runOf(program).advance(journal([started(), scheduled("kept"), completed("kept", 1)])))).toEqual(["schedule new"]);
  });

  test("hands out results that came before the code asked for them", async () => {
    const inTurn = code(async (ctx) => [await ctx.activity("a"), await ctx.activity("b")]);
    const events = journal([started(), scheduled("a"), scheduled("b"), completed("b", "B"), completed("a", "A")]);
    expect(wanted(await runOf(inTurn).advance(events))).toEqual([`complete ["A","B"]`]);
    // Also when the journal ended before the code got there.
    const run = runOf(inTurn);
    expect(wanted(await run.advance(events.slice(0, 4)))).toEqual([]);
    expect(wanted(await run.advance(events.slice(4)))).toEqual([`complete ["A","B"]`]);
  });

  test("of the kind of a step is an error that names both sides", async () => {
    const run = runOf(code((ctx) => ctx.sleep("1s", { key: "a" })));
    await expect(run.advance(journal([started(), scheduled("a", "charge")]))).rejects.toThrow(
      `step "a": the journal has an activity "charge" (event 2), the code wants a timer`,
    );
  });

  test("of the activity behind a key is an error that names both sides", async () => {
    const run = runOf(code((ctx) => ctx.activity("refund", 1, { key: "a" })));
    await expect(run.advance(journal([started(), scheduled("a", "charge")]))).rejects.toMatchObject({ type: "KindMismatch" });
  });
});

describe("the rules", () => {
  test("code that waits for nothing durable is reported as stuck", async () => {
    const run = runOf(code(() => new Promise(() => undefined)));
    await expect(run.advance(journal([started()]))).rejects.toMatchObject({ type: "Stuck" });
  });

  test("code that goes on after a timer of its own is told so", async () => {
    let error: unknown;
    const run = runOf(code(async (ctx) => {
      const step = ctx.activity("a");
      await new Promise((resolve) => setTimeout(resolve, 5));
      try {
        await ctx.activity("b");
      } catch (thrown) {
        error = thrown;
      }
      await step;
    }));
    await run.advance(journal([started()]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(error).toMatchObject({ type: "OutsideOfTask" });
    await expect(run.advance(journal([completed("a")], 3))).rejects.toMatchObject({ type: "OutsideOfTask" });
  });

  test("a local step may not use the context", async () => {
    const run = runOf(code((ctx) => ctx.run("l", () => ctx.random())));
    expect(wanted(await run.advance(journal([started()])))).toEqual([
      "local l after 1",
      'fail LocalError: local step "l" failed: COMMAND_INVALID: a local step (ctx.run) does not use the context: do it before or after',
    ]);
  });

  test("only turns talk to the customer", async () => {
    const run = runOf(code((ctx) => { (ctx as unknown as { reply(text: string): void }).reply("hi"); }));
    await expect(run.advance(journal([started()]))).resolves.toMatchObject({ commands: [{ kind: { value: { failure: { type: "COMMAND_INVALID" } } } }] });
  });

});

describe("cancellation", () => {
  const canceled = event("cancelRequested", { reason: "changed my mind" });

  test("rejects what the code waits for, cancels the steps and closes the run as canceled", async () => {
    const run = runOf(code((ctx) => Promise.all([ctx.activity("a"), ctx.sleep("1h"), ctx.child("c")])));
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([canceled], 5)))).toEqual(["cancel a", "cancel sleep", "cancel c", "cancel run"]);
  });

  test("leaves clean-up in a shield alone", async () => {
    const program = code(async (ctx) => {
      try {
        await ctx.activity("a");
      } finally {
        await ctx.shield(async () => {
          await ctx.activity("undo");
          await ctx.activity("undo");
        });
      }
    });
    const run = runOf(program);
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([canceled], 3)))).toEqual(["cancel a", "schedule undo"]);
    expect(wanted(await run.advance(journal([event("activityFailed", { key: "a" }), completed("undo")], 6)))).toEqual(["schedule undo#2"]);
    expect(wanted(await run.advance(journal([completed("undo#2")], 9)))).toEqual(["cancel run"]);
    const whole = journal([
      started(), scheduled("a"), canceled, event("commandCanceled", { targetKey: "a" }), scheduled("undo"),
      event("activityFailed", { key: "a" }), completed("undo"), scheduled("undo#2", "undo"), completed("undo#2"),
    ]);
    expect(wanted(await runOf(program, { isStrict: true }).advance(whole))).toEqual(["cancel run"]);
  });

  test("refuses new steps outside of a shield", async () => {
    const run = runOf(code(async (ctx) => {
      await ctx.sleep("1h").catch(() => undefined);
      return ctx.activity("late").catch((error: unknown) => `${(error as Error).name} ${String(ctx.isCanceled)}`);
    }));
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([canceled], 3)))).toEqual(["cancel sleep", `complete "CanceledError true"`]);
  });

  test("of one step leaves the others alone", async () => {
    const run = runOf(code(async (ctx) => {
      const a = ctx.activity("a");
      const b = ctx.activity<string>("b");
      a.cancel();
      return [await a.catch((error: unknown) => (error as Error).name), await b];
    }));
    expect(wanted(await run.advance(journal([started()])))).toEqual(["schedule a", "schedule b", "cancel a"]);
    const rest = journal([event("activityFailed", { key: "a" }), completed("b", "B")], 5);
    expect(wanted(await run.advance(rest))).toEqual([`complete ["CanceledError","B"]`]);
  });
});
