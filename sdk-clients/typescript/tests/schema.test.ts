// Schemas read values where they arrive: anything with `parse`, or a function.
import { describe, expect, test } from "vitest";
import {
  type ConversationEvent, declareWorkflow, defineActivity, defineEvent, defineSignal, defineWorkflow, type EventHandler, handleEvent, implementActivity,
  PayloadError, type Turn, type TurnContext, type WorkflowContext,
} from "../src/index.js";
import type { ActivityContext } from "../src/activity-context.js";
import { RunStatus } from "../src/v1.js";
import { completed, event, json, journal, runOf, started, wanted } from "./journals.js";

const date = {
  parse: (value: unknown): Date => {
    const read = new Date(String(value));
    if (Number.isNaN(read.getTime())) throw new Error("not a date");
    return read;
  },
};
const whole = (value: unknown): number => {
  if (!Number.isInteger(value)) throw new Error(`${String(value)} is not whole`);
  return value as number;
};
const due = defineActivity("due", { input: date, output: date });
const code = (run: (ctx: WorkflowContext) => unknown) => defineWorkflow<unknown, unknown>("test", run);

describe("a schema", () => {
  test("reads the input of an activity in its worker, or refuses it there", async () => {
    const { run } = implementActivity(due, (input) => new Date(input.getTime() + 1));
    const context = {} as ActivityContext;
    expect(await (run as (input: unknown, context: ActivityContext) => unknown)("2026-01-02T00:00:00Z", context)).toEqual(new Date("2026-01-02T00:00:00.001Z"));
    expect(() => (run as (input: unknown, context: ActivityContext) => unknown)("never", context)).toThrow(new PayloadError("args: not a date"));
  });

  test("reads the result of an activity in the run that asked for it", async () => {
    const run = runOf(code(async (ctx) => (await ctx.activity(due, new Date(0))).getTime()));
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([completed("due", "1970-01-01T00:00:01Z")], 3)))).toEqual(["complete 1000"]);
  });

  test("refuses a result that does not fit, which the code may catch", async () => {
    const run = runOf(code((ctx) => ctx.activity(due, new Date(0)).then(() => "read", (error: unknown) => (error as Error).message)));
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([completed("due", "never")], 3)))).toEqual(['complete "result: not a date"']);
  });

  test("reads what a run and a signal came with", async () => {
    const more = defineSignal("more", whole);
    const sum = defineWorkflow("test", async (ctx, first: number) => first + (await ctx.waitSignal(more)), { input: whole });
    const run = runOf(sum);
    await run.advance(journal([started(1)]));
    expect(wanted(await run.advance(journal([event("signalReceived", { signalName: "more", input: json(2) })], 2)))).toEqual(["complete 3"]);
    const odd = runOf(sum);
    const { commands } = await odd.advance(journal([started(0.5)]));
    expect(commands).toMatchObject([{ kind: { case: "failRun", value: { failure: { type: "PayloadError", message: "args: 0.5 is not whole" } } } }]);
  });

  test("reads the result of a child in the run that started it", async () => {
    const other = declareWorkflow<number, Date>("other", { output: date });
    const run = runOf(code(async (ctx) => (await ctx.child(other, 1)).getTime()));
    await run.advance(journal([started()]));
    const ended = event("childClosed", { key: "other", status: RunStatus.COMPLETED, result: json("1970-01-01T00:00:01Z") });
    expect(wanted(await run.advance(journal([ended], 3)))).toEqual(["complete 1000"]);
  });

  test("reads the payload of an event for its handlers", () => {
    const late = defineEvent("late", date);
    const seen: Date[] = [];
    const { handler } = handleEvent(late, (_ctx, _turn, { payload }) => seen.push(payload));
    const arrived = { type: "late", payload: "1970-01-01T00:00:01Z" } as ConversationEvent;
    (handler as EventHandler)({} as TurnContext, {} as Turn, arrived);
    expect(seen).toEqual([new Date(1_000)]);
    const odd = { ...arrived, payload: "never" };
    expect(() => (handler as EventHandler)({} as TurnContext, {} as Turn, odd)).toThrow(new PayloadError("payload: not a date"));
  });
});
