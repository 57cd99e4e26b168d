// What code asks for is checked at the call: typed, catchable, with field and limit; and what is legal passes, however much it is.
import { describe, expect, test } from "vitest";
import { CommandError, defineConversation, defineWorkflow, PayloadError, type TurnContext, type WorkflowContext } from "../src/index.js";
import { create } from "@bufbuild/protobuf";
import { FailureSchema } from "../src/gen/everturn/v1/failure_pb.js";
import { TestEnvironment } from "../src/testing/index.js";
import { partsOf } from "../src/worker/batch.js";
import { completed, event, json, journal, runOf, started, startedTurn, wanted } from "./journals.js";

const workflow = (run: (ctx: WorkflowContext) => unknown) => defineWorkflow<unknown, unknown>("test", run);
const conversation = (onTurn: (ctx: TurnContext) => unknown) => defineConversation({ type: "test", onTurn });

/** What a turn's code is told when it asks for something, and what it asks for after that. */
async function refused(ask: (ctx: TurnContext) => unknown): Promise<{ error: unknown; after: string[] }> {
  let error: unknown;
  const run = runOf(conversation(async (ctx) => {
    try {
      await ask(ctx);
    } catch (thrown) {
      error = thrown;
    }
    ctx.reply("sorry");
  }));
  const after = wanted(await run.advance(journal([startedTurn("hi")])));
  return { error, after };
}

describe("a step that breaks a rule", () => {
  const long = "k".repeat(300);
  const cases: [string, (ctx: TurnContext) => unknown, object][] = [
    ["an empty reply", (ctx) => ctx.reply(""), { type: "FIELD_INVALID", field: "content" }],
    ["an empty question", (ctx) => ctx.ask(""), { type: "FIELD_INVALID", field: "content" }],
    ["a line break in an author's name", (ctx) => ctx.reply("x", { author: "Ada\nB" }), { type: "FIELD_INVALID", field: "author" }],
    ["an author's name that is too long", (ctx) => ctx.reply("x", { author: long }), { type: "FIELD_INVALID", field: "author", limit: 256 }],
    ["an attribute that is too long", (ctx) => ctx.reply({ text: "x", attributes: { subject: long.repeat(8) } }), { type: "FIELD_INVALID", field: "content.attributes.subject", limit: 2048 }],
    ["too many attributes", (ctx) => ctx.reply({ text: "x", attributes: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${String(i)}`, "b"])) }), { type: "LIMIT_EXCEEDED", field: "content.attributes", limit: 64 }],
    ["a reply over 2 MiB", (ctx) => ctx.reply("x".repeat(2 * 1024 * 1024 + 1)), { type: "LIMIT_EXCEEDED", field: "content", limit: 2_097_152 }],
    ["a lone surrogate", (ctx) => ctx.reply("\ud800"), { type: "FIELD_INVALID", field: "content.text" }],
    ["an empty key", (ctx) => ctx.sleep("1s", { key: "" }), { type: "LIMIT_EXCEEDED", field: "key", limit: 256 }],
    ["a key of 300 bytes", (ctx) => ctx.activity("a", 1, { key: long }), { type: "LIMIT_EXCEEDED", field: "key", limit: 256 }],
    ["a key that is used twice", (ctx) => { ctx.sleep(1, { key: "k" }).cancel(); return ctx.activity("a", 1, { key: "k" }); }, { type: "COMMAND_INVALID", field: "key" }],
    ["a nameless activity", (ctx) => ctx.activity("", 1, { key: "k" }), { type: "FIELD_INVALID", field: "activity" }],
    ["state over 256 KiB", (ctx) => { ctx.state.set("s", "x".repeat(256 * 1024)); }, { type: "LIMIT_EXCEEDED", field: "value", limit: 262_144 }],
    ["a state entry without a name", (ctx) => { ctx.state.set("", 1); }, { type: "FIELD_INVALID", field: "name" }],
    ["a second ask", (ctx) => { void ctx.ask("a?"); return ctx.ask("b?"); }, { type: "COMMAND_INVALID", field: "ask" }],
    ["a hand-off to nobody", (ctx) => ctx.handOff({ person: "" }), { type: "FIELD_INVALID", field: "assignee" }],
    ["a reason that is too long", (ctx) => ctx.handOff({ team: "t", reason: "x".repeat(1025) }), { type: "FIELD_INVALID", field: "reason", limit: 1024 }],
    ["a sleep of eleven years", (ctx) => ctx.sleep("4018d"), { type: "LIMIT_EXCEEDED", field: "duration" }],
  ];
  test.each(cases)("%s is refused at the call, and the code goes on", async (_name, ask, expected) => {
    const { error, after } = await refused(ask);
    expect(error).toBeInstanceOf(CommandError);
    expect(error).toMatchObject(expected);
    expect(after.join()).toMatch(/send reply(#2)?: sorry/);
  });

  test("fails the run if it is not caught, with its field and limit", async () => {
    const run = runOf(workflow((ctx) => ctx.activity("a", 1, { key: "k".repeat(300) })));
    const { commands } = await run.advance(journal([started()]));
    expect(commands).toMatchObject([{ kind: { case: "failRun", value: { failure: { type: "LIMIT_EXCEEDED", nonRetryable: true, details: json({ field: "key", limit: 256 }) } } } }]);
  });

  test("an input that is no JSON is refused with its path", async () => {
    const { error } = await refused((ctx) => ctx.activity("a", { total: Number.NaN }));
    expect(error).toBeInstanceOf(PayloadError);
    expect((error as Error).message).toBe("args.total: NaN is not JSON");
  });

  test("the context in a local step fails that step, which may be caught", async () => {
    const run = runOf(workflow(async (ctx) => {
      await ctx.run("l", () => ctx.sleep("1s")).catch(() => undefined);
      return "on";
    }));
    expect(wanted(await run.advance(journal([started()])))).toEqual(["local l after 1", `complete "on"`]);
  });

  test("is refused by the testing kit as well", async () => {
    const world = new TestEnvironment();
    await expect(world.startTurn(conversation((ctx) => { ctx.reply(""); }), { messages: ["hi"] }).result()).rejects.toMatchObject({ failure: { type: "FIELD_INVALID" } });
  });
});

describe("a command that the coordinator could not carry out", () => {
  const failure = create(FailureSchema, { type: "LIMIT_EXCEEDED", message: "limit reached", details: json({ field: "kind", limit: 100 }) });
  const commandFailed = (key: string) => event("commandFailed", { key, failure });

  test("ends its step with a typed error", async () => {
    let error: unknown;
    const run = runOf(workflow(async (ctx) => { await ctx.activity("a").catch((it: unknown) => { error = it; }); }));
    await run.advance(journal([started()]));
    expect(wanted(await run.advance(journal([commandFailed("a")], 3)))).toEqual(["complete null"]);
    expect(error).toMatchObject({ type: "LIMIT_EXCEEDED", field: "kind", limit: 100 });
  });

  test("fails the run if it was a message that nobody waits for, even when its code has returned", async () => {
    const run = runOf(conversation((ctx) => { ctx.reply("hi"); }));
    expect((await run.advance(journal([startedTurn("hi")]))).isClosing).toBe(true);
    expect(wanted(await run.advance(journal([commandFailed("reply")], 2)))).toEqual(["fail LIMIT_EXCEEDED: limit reached"]);
  });
});

describe("what is legal passes", () => {
  test("a reply of 1.9 MiB, and many of them, in parts that each fit into a message", async () => {
    const run = runOf(conversation((ctx) => { for (let i = 0; i < 4; i += 1) ctx.reply("é".repeat(950 * 1024)); }));
    const { commands } = await run.advance(journal([startedTurn("hi")]));
    expect(partsOf(commands).map((part) => part.length)).toEqual([1, 1, 1, 1, 1]);
  });

  test("a fan-out of any size, in a window and in order", async () => {
    const count = 5_000;
    const run = runOf(workflow(async (ctx) => (await Promise.all(Array.from({ length: count }, (_, i) => ctx.activity<number>("a", i, { key: `k${String(i)}` })))).length));
    let asked = wanted(await run.advance(journal([started()])));
    expect(asked.length).toBe(1_000);
    const order = [...asked];
    let id = 1_001;
    let end: string[] = [];
    for (let done = 0; done < count; done += 250) {
      const ended = Array.from({ length: 250 }, (_, i) => completed(`k${String(done + i)}`, 1));
      asked = wanted(await run.advance(journal(ended, (id += 1_000))));
      order.push(...asked.filter((it) => it.startsWith("schedule")));
      end = asked;
    }
    expect(order).toEqual(Array.from({ length: count }, (_, i) => `schedule k${String(i)}`));
    expect(end).toEqual([`complete ${String(count)}`]);
  });

  test("a step that waits for its turn can be given up without having been asked for", async () => {
    const run = runOf(workflow(async (ctx) => {
      const all = Array.from({ length: 1_001 }, (_, i) => ctx.activity("a", i));
      all[1_000]!.cancel();
      await Promise.allSettled(all);
    }));
    expect(wanted(await run.advance(journal([started()]))).filter((it) => it.startsWith("cancel"))).toEqual([]);
  });
});
