/**
 * Code whose journals are stored in tests/journals: together they have every kind of event. An old
 * journal must replay for ever, so neither the code nor a stored journal is changed; add new ones.
 */

import {
  type ActivityError, CanceledError, type Conversation, defineConversation, defineEvent, defineSignal, defineWorkflow, handleEvent, type Program, textOf,
} from "../src/index.js";
import { type PeopleScript, TestEnvironment, type TestHandle, type TurnScript } from "../src/testing/index.js";

/** Code, and how its journal was recorded. */
export interface Golden {
  readonly program: Program;
  /** Absent: it was recorded by a coordinator. */
  readonly record?: () => TestHandle<unknown>;
}

const paid = defineEvent<{ amount: number }>("paid");
const go = defineSignal<string>("go");

const pack = defineWorkflow<string, string>("pack", async (ctx, name) => {
  await ctx.sleep("1m");
  if (name === "") throw new TypeError("nothing to pack");
  return `box ${name}`;
});

const workflow = defineWorkflow<string, unknown>("workflow", async (ctx, input) => {
  const random = [ctx.random(), ctx.uuid()];
  ctx.state.set("input", input);
  const local = await ctx.run("local", () => 5);
  const first = await Promise.race([ctx.activity<string>("slow"), ctx.activity<string>("fast", input, { taskQueue: "q", retry: { maximumAttempts: 1 } })]);
  const failed = await ctx.activity("broken").catch((error: unknown) => (error as ActivityError).failure.type);
  const boxes = await Promise.all([ctx.child(pack, "a"), ctx.child(pack, "", { key: "empty" }).catch((error: unknown) => (error as Error).name)]);
  await ctx.signal("nobody", go, "x").catch(() => undefined);
  const signal = await ctx.waitSignal(go);
  const approval = await ctx.requestApproval({ title: "Ship?", arguments: { boxes }, expires: "1d" });
  ctx.state.delete("input");
  return { random, local, first, failed, boxes, signal, approval, now: ctx.now() };
});

const canceled = defineWorkflow<undefined, unknown>("canceled", async (ctx) => {
  try {
    await ctx.sleep("1d");
  } finally {
    if (ctx.isCanceled) await ctx.shield(() => ctx.activity("undo"));
  }
});

const support = defineConversation({
  type: "support",
  onTurn: async (ctx, turn) => {
    const later: string[] = [];
    turn.onMessage((messages) => { later.push(textOf(messages)); });
    const order = await ctx.ask(`${turn.text}: which order?`, { timeout: "1h" });
    const draft = await ctx.activity<string>("draft", textOf(order ?? []));
    const { messages, by } = await ctx.handOff({ team: "billing", reason: "refund", context: { draft } });
    const refund = await ctx.requestApproval({ title: "Refund?", details: later, arguments: 700 });
    ctx.state.set("refund", refund.outcome === "approvedWithChanges" ? refund.arguments : 0);
    const reply = ctx.reply(`${by}: ${textOf(messages)}`, { channel: "email", author: "bot" });
    const { sequence } = await reply.recorded();
    const { status } = await reply.delivered();
    ctx.reply(`${String(sequence)} ${status} ${JSON.stringify(turn.addresses)}`);
  },
  onEvent: [handleEvent(paid, async (ctx, turn, event) => {
    await ctx.sleep("1s");
    ctx.reply(`${turn.cause} ${String(event.payload.amount)}`);
  })],
  onIdle: async (ctx, turn) => {
    const { suppressed } = await ctx.reply(`an offer, because ${turn.cause}`).recorded();
    ctx.state.set("suppressed", suppressed);
  },
});

const goodnight = defineConversation({
  type: "goodnight",
  onIdle: async (ctx) => {
    const { heldUntil } = await ctx.reply("Are you still there?").recorded();
    ctx.state.set("held", heldUntil !== undefined);
    ctx.closeConversation("nobody is there");
  },
});

const silent = defineConversation({
  type: "silent",
  onTurn: (ctx) => {
    ctx.noReply("it says thank you");
  },
});

const interrupted = defineConversation({
  type: "interrupted",
  onTurn: async (ctx) => {
    try {
      await ctx.activity("draft");
    } catch (error) {
      if (!(error instanceof CanceledError)) throw error;
      ctx.reply("too late");
      ctx.state.set("note", "too late");
      await ctx.shield(() => ctx.activity("release"));
      throw error;
    }
  },
});

/** What ran at a coordinator. */
const served = defineConversation({
  type: "support",
  onTurn: async (ctx, turn) => {
    if (turn.text.includes("handoff")) {
      const back = await ctx.handOff({ team: "billing", reason: "refund", context: { a: 1 } });
      ctx.reply(`back by ${back.by}: ${back.messages.map((it) => `${it.authorKind}=${it.text}`).join("|")}`);
    } else if (turn.text.includes("refund")) {
      const result = await ctx.requestApproval({ title: "Refund?", arguments: { amount: 700 }, expires: "1d" });
      ctx.reply(`refund ${result.outcome} ${JSON.stringify(result.arguments)} ${result.decider}`);
    } else {
      const reply = ctx.reply("by email", { channel: "email" });
      const { sequence } = await reply.recorded();
      const { status, detail } = await reply.delivered();
      ctx.reply(`email ${String(sequence)} ${status} ${detail}`, { channel: "chat" });
    }
  },
});

function world(): TestEnvironment {
  const it: TestEnvironment = new TestEnvironment({
    workflows: [pack],
    activities: {
      fast: (input: string) => `fast ${input}`,
      slow: async () => { await it.sleep("1h"); return "slow"; },
      broken: () => { throw new RangeError("no"); },
      draft: async (text: string) => { await it.sleep("1m"); return `draft ${text}`; },
      undo: () => "undone",
      release: () => "released",
    },
  });
  return it;
}

const turnOf = (conversation: Conversation, script: TurnScript, act: (turn: TestHandle<unknown>) => void = () => undefined): Golden => ({
  program: conversation,
  record: () => {
    const turn = world().startTurn(conversation, script);
    act(turn);
    return turn;
  },
});
const people: PeopleScript = { approvals: [{ decision: "approve", arguments: { boxes: 1 }, decider: "Ada", comment: "one", after: "1h" }] };

/** By the name of the stored journal. */
export const goldens: Readonly<Record<string, Golden>> = {
  "server-approval": { program: served },
  "server-delivery": { program: served },
  "server-hand-off": { program: served },
  "workflow": {
    program: workflow,
    record: () => {
      const run = world().start(workflow, "x", "workflow", people);
      run.signal(go, "now", "2h");
      return run;
    },
  },
  "workflow-canceled": {
    program: canceled,
    record: () => {
      const run = world().start(canceled, undefined);
      run.cancel("1h");
      return run;
    },
  },
  "turn-with-people": turnOf(support, {
    messages: ["hi", "hello?"], answers: [{ after: "5m", text: "NT-1" }], addresses: { email: "jo@example.org" },
    handBacks: [{ by: "Ada", note: "done", after: "1h", messages: [{ from: "human", text: "refunded" }, { from: "customer", text: "thanks" }] }],
    approvals: [{ decision: "approve", arguments: 50, after: "1h" }],
    deliveries: [[], [{ status: "accepted", after: "1s" }, { status: "delivered", after: "1m" }]],
  }, (turn) => {
    turn.deliver(["one more thing"], "5m");
    turn.deliverEvents([{ type: "paid", payload: { amount: 7 } }], "30m");
  }),
  "turn-of-events": turnOf(support, { events: [{ type: "paid", payload: { amount: 5 }, id: "e-1" }, { type: "paid", payload: { amount: 6 } }] }),
  "turn-in-quiet-hours": turnOf(support, { cause: "idle", suppress: "quietHours" }),
  "turn-held-and-closed": turnOf(goodnight, { cause: "idle", suppress: "quietHours" }),
  "turn-without-reply": turnOf(silent, { messages: ["thank you"] }),
  "turn-interrupted": turnOf(interrupted, { messages: ["hi"] }, (turn) => { turn.interrupt("10s"); }),
};
