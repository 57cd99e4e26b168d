/** Conversations and workflows in TypeScript that the Python cases work with: their half is on the queue "python". */

import {
  ActivityError,
  type ActivityStepOptions,
  defineActivity,
  defineConversation,
  defineSignal,
  defineWorkflow,
  type Duration,
  Worker,
} from "everturn";

const python: ActivityStepOptions = { taskQueue: "python", retry: { initialInterval: "50ms", maximumInterval: "200ms" } };

/** Says what the Python activity `answer` makes of the text. */
const desk = defineConversation({
  type: "desk",
  onTurn: async (ctx, turn) => {
    ctx.reply(await ctx.activity<string>("answer", turn.text, python));
  },
});

/** Says everything again, by the channel that it came by. */
const echo = defineConversation({
  type: "echo",
  onTurn: (ctx, turn) => {
    const said = turn.cause === "event" ? turn.events.map((it) => it.type).join(", ") : turn.text;
    ctx.state.set("last", said);
    ctx.reply(`You said: ${said}`);
  },
});

/** Asks for approval of a refund of 100, and says how that went. */
const refund = defineConversation({
  type: "refund",
  onTurn: async (ctx, turn) => {
    const expires = turn.text === "expire" ? { expires: "100ms" as Duration } : {};
    const approval = await ctx.requestApproval({ title: "A refund", arguments: { amount: 100 }, ...expires });
    ctx.reply(`${approval.outcome}: ${String(approval.arguments?.amount ?? "nothing")}`);
  },
});

const go = defineSignal<string>("go");

interface Call {
  readonly activity: string;
  readonly input?: unknown;
  /** Instead of an input: so many bytes. */
  readonly bytes?: number;
  readonly options?: ActivityStepOptions;
  /** Gives the activity up after so long, and waits for the signal `go` before it closes. */
  readonly cancelAfter?: Duration;
}

/** Calls one Python activity, and gives its result or how it failed. */
const call = defineWorkflow<Call, unknown>("call", async (ctx, { activity, input: plain, bytes, options, cancelAfter }) => {
  const input = bytes === undefined ? plain : new Uint8Array(bytes);
  const step = ctx.activity(activity, input, { ...python, ...options, retry: { ...python.retry, ...options?.retry } });
  try {
    if (cancelAfter !== undefined && (await step.within(cancelAfter)) === undefined) step.cancel();
    const result = await step;
    return { result: result instanceof Uint8Array ? { bytes: [...result] } : result };
  } catch (error) {
    if (error instanceof ActivityError) return { failure: error.failure, attempt: error.attempt };
    if (cancelAfter !== undefined) await ctx.waitSignal(go);
    return { error: (error as Error).name };
  }
});

/** Says in its state that it waits, waits for the signal `go`, and gives what came with it. */
const wait = defineWorkflow<string, string>("wait", async (ctx, name) => {
  ctx.state.set("phase", `${name} waits`);
  return `${name}: ${await ctx.waitSignal(go)}`;
});

/** Cleans up by a Python activity when it is canceled. */
const careful = defineWorkflow("careful", async (ctx) => {
  try {
    await ctx.sleep("1h");
  } finally {
    if (ctx.isCanceled) await ctx.shield(() => ctx.activity(defineActivity<string, string>("clean_up"), "the table", python));
  }
});

await new Worker({ workflows: [call, wait, careful], conversations: [desk, echo, refund] }).run();
