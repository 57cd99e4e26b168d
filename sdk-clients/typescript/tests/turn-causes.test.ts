// Which handlers answer a turn: by cause, by type of event, and for events that come meanwhile.
import { describe, expect, test } from "vitest";
import { TurnCause } from "../src/gen/everturn/v1/turn_pb.js";
import {
  type ConversationEvent, type ConversationOptions, defineConversation, defineEvent, handleEvent, type Logger, silentLogger,
} from "../src/index.js";
import { TestEnvironment, type TurnScript } from "../src/testing/index.js";
import { completed, event, journal, json, runOf, startedWith, wanted } from "./journals.js";

const orderDelayed = defineEvent<{ order: string }>("order-delayed");
const arrived = (...types: string[]) =>
  event("eventsArrived", { events: types.map((eventType, index) => ({ $typeName: "everturn.v1.ConversationEvent" as const, sequence: BigInt(index + 1), eventType, eventId: "", payload: json({ order: "7" }), afterMessageSequence: 0n })) });

async function repliesOf(options: Omit<ConversationOptions, "type">, script: TurnScript): Promise<string[]> {
  const turn = new TestEnvironment().startTurn(defineConversation({ type: "support", ...options }), script);
  await turn.result();
  return turn.replies.map(({ text }) => text);
}

const all: Omit<ConversationOptions, "type"> = {
  onTurn: (ctx, turn) => { ctx.reply(`turn ${turn.cause} ${turn.text}`.trim()); },
  onEvent: {
    "order-delayed": async (ctx, _turn, { payload, id }) => {
      await ctx.sleep("1s");
      ctx.reply(`late ${(payload as { order: string }).order} ${id}`);
    },
    paid: (ctx) => { ctx.reply("paid"); },
  },
  onIdle: (ctx, turn) => { ctx.reply(`idle ${turn.cause}`); },
  onCustomerTimeout: (ctx) => { ctx.reply("still there?"); },
  onStaffTimeout: (ctx) => { ctx.reply("sorry for the wait"); },
};

describe("a turn", () => {
  test.each([
    [{ messages: ["hi"] }, ["turn message hi"]],
    [{ cause: "idle" }, ["idle idle"]],
    [{ cause: "customerTimeout" }, ["still there?"]],
    [{ cause: "staffTimeout" }, ["sorry for the wait"]],
    [{ events: [{ type: "order-delayed", payload: { order: "7" }, id: "e1" }, { type: "paid" }] }, ["late 7 e1", "paid"]],
  ] as const)("goes to the handler of its cause: %j", async (script, replies) => {
    expect(await repliesOf(all, script)).toEqual(replies);
  });

  test("of a cause without a handler goes to onTurn", async () => {
    expect(await repliesOf({ onTurn: all.onTurn! }, { cause: "idle" })).toEqual(["turn idle"]);
  });

  test("handles the events that came with a burst before the messages", async () => {
    expect(await repliesOf(all, { messages: ["hi"], events: [{ type: "paid" }, { type: "other" }] })).toEqual(["paid", "turn message hi"]);
  });

  test("leaves events without a handler to onTurn, once and at their place", async () => {
    const events = [{ type: "paid" }, { type: "other" }, { type: "paid" }, { type: "other" }];
    expect(await repliesOf(all, { events })).toEqual(["paid", "turn event", "paid"]);
  });

  test("logs and ignores what nobody handles", async () => {
    const lines: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message, fields) => void lines.push(`${message}: ${String(fields?.["eventType"] ?? fields?.["cause"])}`) };
    const program = defineConversation({ type: "support", onEvent: all.onEvent! });
    for (const script of [{ events: [{ type: "other" }] }, { messages: ["hi"] }]) {
      const turn = new TestEnvironment({ logger }).startTurn(program, script);
      await turn.result();
      expect(turn.replies).toEqual([]);
    }
    expect(lines).toEqual(["event without a handler ignored: other", "turn without a handler ignored: message"]);
  });

  test("knows its events and the addresses of the customer", async () => {
    const run = runOf(defineConversation({ type: "test", onTurn: (ctx, turn) => { ctx.reply(JSON.stringify([turn.events, turn.addresses])); } }));
    const input = { cause: TurnCause.EVENT, events: [{ sequence: 2n, eventType: "paid", eventId: "e", payload: json(5), createTime: { seconds: 1n }, afterMessageSequence: 3n }], addresses: { email: "jo@example.org" } };
    const told = { sequence: 2, type: "paid", id: "e", payload: 5, createTime: new Date(1000), afterMessageSequence: 3 };
    expect(wanted(await run.advance(journal([startedWith(input)])))[0]).toBe(`send reply: ${JSON.stringify([[told], { email: "jo@example.org" }])}`);
  });
});

describe("events that come while a turn runs", () => {
  const types = (events: readonly ConversationEvent[]): string => events.map(({ type }) => type).join();

  test("go to the handlers of the conversation, and the turn ends after them", async () => {
    const program = defineConversation({
      type: "test",
      onTurn: async (ctx) => { await ctx.activity("work"); },
      onEvent: { paid: async (ctx) => { await ctx.activity("thank"); } },
    });
    const run = runOf(program);
    await run.advance(journal([startedWith({})]));
    expect(wanted(await run.advance(journal([arrived("paid"), completed("work")], 3)))).toEqual(["schedule thank"]);
    expect(wanted(await run.advance(journal([completed("thank")], 6)))).toEqual(["complete "]);
  });

  test("go to the functions of the turn if it named some, those that nobody wanted too", async () => {
    const seen: string[] = [];
    const program = defineConversation({
      type: "test",
      onTurn: async (ctx, turn) => {
        turn.onEvent(orderDelayed, ({ payload }) => { seen.push(`typed ${payload.order}`); });
        await ctx.activity("a");
        turn.onEvent((it) => { seen.push(`any ${types([it])}`); });
        await ctx.activity("b");
      },
      onEvent: { paid: () => { seen.push("conversation"); } },
    });
    const run = runOf(program);
    await run.advance(journal([startedWith({})]));
    await run.advance(journal([arrived("paid", "order-delayed", "other"), completed("a")], 3));
    expect(seen).toEqual(["conversation", "typed 7", "any other"]);
    await run.advance(journal([arrived("paid"), completed("b")], 6));
    expect(seen.slice(3)).toEqual(["any paid"]);
  });

  test("fail the turn if their handler fails, even after the code has returned", async () => {
    const program = defineConversation({
      type: "test",
      onTurn: (ctx) => ctx.activity("work"),
      onEvent: { paid: async (ctx) => { await ctx.sleep("1h"); throw new TypeError("no"); } },
    });
    const run = runOf(program);
    await run.advance(journal([startedWith({})]));
    expect(wanted(await run.advance(journal([arrived("paid"), completed("work")], 3)))).toEqual(["timer sleep"]);
    expect(wanted(await run.advance(journal([event("timerFired", { key: "sleep" })], 6)))).toEqual(["fail TypeError: no"]);
  });

  test("that the code had not read when it wanted to close are handled before it does", async () => {
    const program = defineConversation({ type: "test", onTurn: () => undefined, onEvent: { paid: async (ctx) => { await ctx.activity("thank"); } } });
    const run = runOf(program);
    expect(wanted(await run.advance(journal([startedWith({})])))).toEqual(["complete "]);
    expect(wanted(await run.reopen(journal([arrived("paid")], 2)))).toEqual(["schedule thank"]);
    expect(wanted(await run.advance(journal([completed("thank")], 4)))).toEqual(["complete "]);
  });

  test("can be scripted", async () => {
    const world: TestEnvironment = new TestEnvironment({ activities: { work: () => world.sleep("1m") } });
    const program = defineConversation({ type: "test", onTurn: (ctx) => ctx.activity("work"), onEvent: { paid: (ctx, _turn, it) => { ctx.reply(`thanks ${String(it.payload)}`); } } });
    const turn = world.startTurn(program, { messages: ["hi"] });
    turn.deliverEvents([{ type: "paid", payload: 5 }], "10s");
    await turn.result();
    expect(turn.replies.map(({ text }) => text)).toEqual(["thanks 5"]);
  });
});

test("definitions without handlers, with two for one event or a policy out of range are refused", () => {
  expect(() => defineConversation({ type: "c" })).toThrow("has no handler");
  const handler = handleEvent(orderDelayed, () => undefined);
  expect(() => defineConversation({ type: "c", onEvent: [handler, handler] })).toThrow("two handlers");
  expect(() => defineConversation({ ...all, type: "c", turnPolicy: { quietHours: { start: "25:00", end: "8:00" } } })).toThrow("not a time of day");
});
