// The replay core: order of delivery, races, keys, locals, signals, unread events.
import { describe, expect, test } from "vitest";
import { defineWorkflow, type LocalError, type WorkflowContext } from "../src/index.js";
import { completed, event, fired, journal, json, runOf, scheduled, signaled, started, wanted } from "./journals.js";

const code = (run: (ctx: WorkflowContext) => unknown) => defineWorkflow<unknown, unknown>("test", run);

describe("a run", () => {
  test("asks for its first steps, waits, and completes with what came back", async () => {
    const run = runOf(defineWorkflow<number, number>("test", async (ctx, input) => (await ctx.activity<number>("double", input)) + 1));
    expect(wanted(await run.advance(journal([started(4)])))).toEqual(["schedule double"]);
    expect(wanted(await run.advance(journal([completed("double", 8)], 3)))).toEqual(["complete 9"]);
  });

  test("takes the same path from the whole journal as it took live", async () => {
    const program = code(async (ctx) => {
      const first = await Promise.race([ctx.activity("a"), ctx.activity("b")]);
      const rest = await Promise.all([ctx.activity("c", first), ctx.sleep("1s")]);
      return [first, rest[0], ctx.now()];
    });
    const live = runOf(program);
    expect(wanted(await live.advance(journal([started()])))).toEqual(["schedule a", "schedule b"]);
    expect(wanted(await live.advance(journal([completed("b", "B"), completed("a", "A")], 4)))).toEqual(["schedule c", "timer sleep"]);
    const end = wanted(await live.advance(journal([fired("sleep"), completed("c", "C")], 8)));
    expect(end).toEqual([`complete ["B","C",9000]`]);

    const events = journal([
      started(), scheduled("a"), scheduled("b"), completed("b", "B"), completed("a", "A"),
      scheduled("c"), event("timerStarted", { key: "sleep" }), fired("sleep"), completed("c", "C"),
    ]);
    expect(wanted(await runOf(program).advance(events))).toEqual(end);
  });

  test("decides a race by the journal, not by the order of the steps", async () => {
    const program = code((ctx) => Promise.race([ctx.activity("a"), ctx.activity("b")]));
    const events = (first: string, second: string) =>
      journal([started(), scheduled("a"), scheduled("b"), completed(first, first), completed(second, second)]);
    expect(wanted(await runOf(program).advance(events("a", "b")))).toEqual([`complete "a"`]);
    expect(wanted(await runOf(program).advance(events("b", "a")))).toEqual([`complete "b"`]);
  });

  test("numbers repeated names and takes keys that the user chose", async () => {
    const run = runOf(code((ctx) => Promise.all([ctx.activity("a"), ctx.activity("a"), ctx.activity("a", 1, { key: "mine" }), ctx.sleep(5), ctx.sleep(6)])));
    expect(wanted(await run.advance(journal([started()])))).toEqual([
      "schedule a", "schedule a#2", "schedule mine", "timer sleep", "timer sleep#2",
    ]);
  });

  test("refuses a chosen key that is used twice, and the code may catch it", async () => {
    const run = runOf(code(async (ctx) => {
      const first = ctx.activity("a", 1, { key: "k" });
      try {
        await ctx.activity("b", 1, { key: "k" });
      } catch {
        await first;
      }
    }));
    expect(wanted(await run.advance(journal([started()])))).toEqual(["schedule k"]);
  });

  test("gives the same chance in every replay, and another to another run", async () => {
    const program = code((ctx) => [ctx.random(), ctx.random(), ctx.uuid()]);
    const once = wanted(await runOf(program, { runId: "1" }).advance(journal([started()])));
    expect(wanted(await runOf(program, { runId: "1" }).advance(journal([started()])))).toEqual(once);
    expect(wanted(await runOf(program, { runId: "2" }).advance(journal([started()])))).not.toEqual(once);
    expect(once[0]).toMatch(/-4[0-9a-f]{3}-[89ab]/);
  });

  test("runs the code to the end of long promise chains before the next event", async () => {
    const program = code(async (ctx) => {
      const seen: number[] = [];
      const signals = ctx.waitSignal("s");
      await ctx.activity("a");
      for (let i = 0; i < 100; i += 1) await Promise.resolve();
      seen.push(ctx.now());
      await signals;
      seen.push(ctx.now());
      return seen;
    });
    const run = runOf(program);
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([completed("a"), signaled("s", 1)], 3)))).toEqual(["complete [3000,4000]"]);
  });

  test("fails with the type and text of an error that the code lets pass", async () => {
    const run = runOf(code(() => {
      throw new TypeError("no such thing");
    }));
    expect(wanted(await run.advance(journal([started()])))).toEqual(["fail TypeError: no such thing"]);
  });

  test("hands activity failures to the code as errors with the failure", async () => {
    const run = runOf(code(async (ctx) => {
      try {
        return await ctx.activity("a");
      } catch (error) {
        return (error as { failure: { type: string } }).failure.type;
      }
    }));
    await run.advance(journal([started()]));
    const failure = { $typeName: "everturn.v1.Failure", kind: 1, type: "Declined", message: "no", stackTrace: "", nonRetryable: false, moreCauses: [] as never[] } as const;
    expect(wanted(await run.advance(journal([event("activityFailed", { key: "a", failure, attempt: 3 })], 3)))).toEqual([`complete "Declined"`]);
  });

  test("does not wait for a step that lost a race, and ends without it", async () => {
    const run = runOf(code((ctx) => Promise.any([ctx.activity("a"), ctx.sleep("1h")])));
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([completed("a", 1)], 4)))).toEqual(["complete 1"]);
  });

  test("goes on where promises of steps are awaited long after they failed", async () => {
    const program = code(async (ctx) => {
      const branch = (async () => ctx.activity("a"))();
      await ctx.sleep("1h");
      try {
        return await branch;
      } catch (error) {
        return (error as Error).name;
      }
    });
    const run = runOf(program);
    await run.advance(journal([started()]));
    const rejected: unknown[] = [];
    const listener = (reason: unknown): void => void rejected.push(reason);
    process.on("unhandledRejection", listener);
    await run.advance(journal([event("activityFailed", { key: "a" })], 4));
    expect(wanted(await run.advance(journal([fired("sleep")], 5)))).toEqual([`complete "ActivityError"`]);
    process.off("unhandledRejection", listener);
  });
});

describe("local steps", () => {
  const program = code(async (ctx) => {
    const first = await ctx.run("one", () => 1);
    const both = await Promise.all([
      ctx.run("slow", async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return "slow";
      }),
      ctx.run("fast", () => "fast"),
    ]);
    await ctx.activity("a");
    return [first, ...both];
  });

  test("run once, with the event that the code had seen", async () => {
    const run = runOf(program);
    expect(wanted(await run.advance(journal([started()])))).toEqual([
      "local one after 1", "local fast after 1", "local slow after 1", "schedule a",
    ]);
    expect(wanted(await run.advance(journal([completed("a")], 6)))).toEqual([`complete [1,"slow","fast"]`]);
  });

  test("replay their results right after that event, wherever they stand in the journal", async () => {
    const order: string[] = [];
    const racing = code(async (ctx) => {
      const signal = ctx.waitSignal("s").then(() => order.push("signal"));
      await ctx.run("one", () => { throw new Error("ran again"); }).then(() => order.push("local"));
      await signal;
      return order.join();
    });
    const events = journal([
      started(), signaled("s", 1),
      event("localRecorded", { key: "one", seenEventId: 1n, outcome: { case: "result", value: json(1) } }),
    ]);
    expect(wanted(await runOf(racing).advance(events))).toEqual([`complete "local,signal"`]);
  });

  test("that throw reject with LocalError, live and in replay", async () => {
    const failing = code(async (ctx) => {
      try {
        await ctx.run("boom", () => { throw new RangeError("no"); });
        return "none";
      } catch (error) {
        return (error as { failure: { type: string } }).failure.type;
      }
    });
    const progress = await runOf(failing).advance(journal([started()]));
    expect(wanted(progress)).toEqual(["local boom after 1", `complete "RangeError"`]);
  });

  test("that throw nothing at all end all the same", async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what user code does
    const failing = code((ctx) => ctx.run("boom", () => Promise.reject()).catch((error: unknown) => (error as LocalError).failure.message));
    expect(wanted(await runOf(failing).advance(journal([started()])))).toEqual(["local boom after 1", `complete "undefined"`]);
  });
});

describe("signals", () => {
  test("wait until the code asks for them, in order", async () => {
    const run = runOf(code(async (ctx) => {
      await ctx.activity("a");
      return [await ctx.waitSignal("s"), await ctx.waitSignal("s"), await ctx.waitSignal("t")];
    }));
    await run.advance(journal([started()]));
    await run.advance(journal([signaled("s", 1), signaled("t", 9), signaled("s", 2)], 3));
    expect(wanted(await run.advance(journal([completed("a")], 6)))).toEqual(["complete [1,2,9]"]);
  });

  test("go to the next who waits when a wait was given up", async () => {
    const program = code(async (ctx) => {
      const first = ctx.waitSignal("s");
      if ((await first.within("1m")) === undefined) first.cancel();
      return [await ctx.waitSignal("s"), await first.catch((error: unknown) => (error as Error).message)];
    });
    const events = journal([started(), event("timerStarted", { key: "sleep" }), fired("sleep"), signaled("s", 5)]);
    const result = `complete [5,"the wait for the signal \\"s\\" was canceled"]`;
    expect(wanted(await runOf(program).advance(events))).toEqual([result]);
    const live = runOf(program);
    expect(wanted(await live.advance(events.slice(0, 1)))).toEqual(["timer sleep"]);
    expect(wanted(await live.advance(events.slice(1, 3)))).toEqual([]);
    expect(wanted(await live.advance(events.slice(3)))).toEqual([result]);
  });

  test("that the code had not read when it wanted to close are delivered, and it closes again", async () => {
    const run = runOf(code(async (ctx) => {
      const seen: unknown[] = [];
      ctx.onSignal("s", (value) => {
        seen.push(value);
        ctx.state.set("last", value);
      });
      await ctx.activity("a");
      return "done";
    }));
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([completed("a")], 3)))).toEqual(["complete \"done\""]);
    const again = await run.reopen(journal([signaled("s", 7)], 4));
    expect(wanted(again)).toEqual(["set last", "complete \"done\""]);
    expect(again.seenEventId).toBe(4);
  });

  test("to others resolve when they are delivered", async () => {
    const run = runOf(code((ctx) => ctx.signal("other", "s", 1)));
    expect(wanted(await run.advance(journal([started()])))).toEqual(["signal signal:s"]);
    expect(wanted(await run.advance(journal([event("signalDelivered", { key: "signal:s" })], 3)))).toEqual(["complete null"]);
  });
});

describe("state", () => {
  test("is read back at once and written once", async () => {
    const program = code(async (ctx) => {
      ctx.state.set("n", 1);
      ctx.state.set("n", (ctx.state.get<number>("n") ?? 0) + 1);
      await ctx.activity("a");
      ctx.state.delete("n");
      return ctx.state.get("n") ?? ctx.state.names();
    });
    const run = runOf(program);
    expect(wanted(await run.advance(journal([started()])))).toEqual(["set n", "set n", "schedule a"]);
    const events = journal([
      started(), event("stateSet", { key: "state:n", name: "n" }), event("stateSet", { key: "state:n#2", name: "n" }), scheduled("a"), completed("a"),
    ]);
    expect(wanted(await runOf(program).advance(events))).toEqual(["set n", "complete []"]);
  });
});

describe("incremental tasks", () => {
  test("skip events that the run has had, and count through the end of the journal", async () => {
    const run = runOf(code(async (ctx) => [await ctx.activity("a"), await ctx.activity("b")]));
    await run.advance(journal([started()]));
    const progress = await run.advance([...journal([started()]), ...journal([completed("a")], 3)], 5);
    expect(wanted(progress)).toEqual(["schedule b"]);
    expect(progress.seenEventId).toBe(5);
  });
});
