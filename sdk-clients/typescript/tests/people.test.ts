// Turns and people: hand-offs, approvals, and what becomes of replies.
import { describe, expect, test } from "vitest";
import { ApprovalOutcome } from "../src/gen/everturn/v1/event_pb.js";
import { AuthorKind, DeliveryStatus } from "../src/gen/everturn/v1/message_pb.js";
import { type ApprovalResult, defineConversation, defineWorkflow, type Turn, type TurnContext, textOf, QuestionSuppressedError } from "../src/index.js";
import { TestEnvironment, type TurnScript } from "../src/testing/index.js";
import { event, fired, journal, json, message, runOf, started, startedTurn, wanted } from "./journals.js";

const conversation = (onTurn: (ctx: TurnContext, turn: Turn) => unknown) => defineConversation({ type: "test", onTurn });
const interrupted = event("turnInterrupted", { grace: { $typeName: "google.protobuf.Duration", seconds: 10n, nanos: 0 } });

async function repliesOf(onTurn: (ctx: TurnContext, turn: Turn) => unknown, script: TurnScript): Promise<string[]> {
  const turn = new TestEnvironment().startTurn(conversation(onTurn), { messages: ["hi"], ...script });
  await turn.result();
  return turn.replies.map(({ text }) => text);
}

describe("a hand-off", () => {
  test("waits until the conversation is handed back, and tells what was written", async () => {
    const run = runOf(conversation(async (ctx) => {
      const { by, note, messages } = await ctx.handOff({ team: "billing", reason: "refund", context: { order: 7 } });
      ctx.reply(`${by} ${note} ${messages.map((it) => `${it.authorKind}:${it.text}`).join()}`);
    }));
    const first = await run.advance(journal([startedTurn("hi")]));
    expect(wanted(first)).toEqual(["hand off hand-off: billing"]);
    expect(first.commands[0]?.kind.value).toMatchObject({ assignee: { kind: { case: "team", value: "billing" } }, reason: "refund", context: json({ order: 7 }) });
    const messages = [{ ...message("done", 3), authorKind: AuthorKind.HUMAN }, message("thanks", 4)];
    const back = event("handedBack", { key: "hand-off", authorName: "Ada", note: "refunded", messages });
    expect(wanted(await run.advance(journal([back], 3)))).toEqual(["send reply: Ada refunded human:done,customer:thanks", "complete "]);
  });

  test("keeps in what the turn says and writes meanwhile", async () => {
    const program = conversation(async (ctx) => {
      const owner = ctx.handOff({ person: "ada" });
      await ctx.sleep("1m");
      ctx.reply("never heard");
      ctx.state.set("asked", true);
      const { messages } = await owner;
      ctx.reply(`back: ${textOf(messages)} ${String(ctx.state.get("asked"))}`);
      ctx.state.set("done", true);
    });
    const turn = new TestEnvironment().startTurn(program, { messages: ["hi"], handBacks: [{ after: "1h", messages: [{ from: "human", text: "hello" }] }] });
    await turn.result();
    expect(turn.replies.map(({ text }) => text)).toEqual(["back: hello true"]);
    // A turn reads its own writes, live and in replay; nobody else sees one that was kept in.
    expect(turn.state()).toEqual({ done: true });
    expect(turn.events.map(({ kind }) => (kind.case === "stateSet" ? kind.value.suppressed : undefined)).filter((it) => it !== undefined)).toEqual([true, false]);
  });

  test("that is canceled only ends the wait", async () => {
    const run = runOf(conversation(async (ctx) => {
      const owner = ctx.handOff({ team: "billing" });
      if ((await owner.within("1h")) === undefined) owner.cancel();
      return owner.catch((error: unknown) => (error as Error).name);
    }));
    expect(wanted(await run.advance(journal([startedTurn("hi")])))).toEqual(["hand off hand-off: billing", "timer sleep"]);
    expect(wanted(await run.advance(journal([fired("sleep")], 4)))).toEqual(["complete "]);
  });

  test("ends with the turn when that is interrupted", async () => {
    const run = runOf(conversation((ctx) => ctx.handOff({ team: "billing" })));
    await run.advance(journal([startedTurn("hi")]));
    expect(wanted(await run.advance(journal([interrupted], 3)))).toEqual(["cancel run"]);
  });
});

describe("an approval", () => {
  const tell = (result: ApprovalResult<number>): string => {
    const approved = result.outcome === "approved" || result.outcome === "approvedWithChanges" ? result.arguments * 2 : "nothing";
    return `${result.outcome} ${String(approved)} ${result.decider} ${result.comment}`.trim();
  };
  const asking = async (ctx: TurnContext): Promise<void> => {
    ctx.reply(tell(await ctx.requestApproval({ title: "Refund?", details: { why: "late" }, arguments: 700, expires: "1d" })));
  };

  test.each([
    [["approve"], "approved 1400 human"],
    [[{ decision: "approve", arguments: 50, decider: "ada", comment: "less" }], "approvedWithChanges 100 ada less"],
    [[{ decision: "reject", comment: "no", after: "2h" }], "rejected nothing human no"],
    [[{ decision: "approve", after: "2d" }], "expired nothing"],
    [[], "expired nothing"],
  ] as const)("ends with an outcome: %j", async (approvals, reply) => {
    expect(await repliesOf(asking, { approvals })).toEqual([reply]);
  });

  test("is asked for with what is approved, also by a workflow", async () => {
    const run = runOf(defineWorkflow<unknown, string>("test", async (ctx) => (await ctx.requestApproval({ title: "Ship?", arguments: { order: 7 }, key: "ship" })).outcome));
    expect(wanted(await run.advance(journal([started()])))).toEqual([`approval ship: Ship? {"order":7}`]);
    expect(wanted(await run.advance(journal([event("approvalDecided", { key: "ship", outcome: ApprovalOutcome.REJECTED })], 3)))).toEqual([`complete "rejected"`]);
  });

  test("that is canceled is withdrawn", async () => {
    const program = conversation(async (ctx) => {
      const approval = ctx.requestApproval({ title: "Refund?", arguments: 1 });
      if ((await approval.within("1m")) === undefined) approval.cancel();
      await ctx.sleep("1m");
    });
    const turn = new TestEnvironment().startTurn(program, { messages: ["hi"], approvals: [{ decision: "approve", after: "1h" }] });
    await turn.result();
    const decided = turn.events.map(({ kind }) => (kind.case === "approvalDecided" ? kind.value.outcome : 0)).filter((it) => it !== 0);
    expect(decided).toEqual([ApprovalOutcome.WITHDRAWN]);
  });

  test("with a title of no or too many bytes fails where it is written", async () => {
    const run = runOf(conversation((ctx) => ctx.requestApproval({ title: "", arguments: 1 })));
    expect(wanted(await run.advance(journal([startedTurn("hi")])))[0]).toBe("fail FIELD_INVALID: title is empty");
  });
});

describe("a reply", () => {
  const record = async (ctx: TurnContext): Promise<void> => {
    const { sequence, suppressed, channel } = await ctx.reply("hello", { channel: "email" }).recorded();
    ctx.state.set("record", { sequence, suppressed, channel });
  };
  const sent = event("messageSent", { key: "reply", messageSequence: 5n, channel: "email" });
  const timer = event("timerStarted", { key: "reply/recorded" });

  test("tells its position once it is recorded, when the journal is there from where it was sent", async () => {
    const program = conversation(record);
    const run = runOf(program);
    expect(wanted(await run.advance(journal([startedTurn("hi")])))).toEqual(["send reply: hello", "timer reply/recorded"]);
    expect(run.outbox.recordsAfter).toBe(1);
    const rest = journal([sent, timer, fired("reply/recorded")], 2);
    const progress = await run.advance(rest);
    expect(wanted(progress)).toEqual(["set record", "complete "]);
    expect(run.outbox.recordsAfter).toBeUndefined();
    // The same from the whole journal.
    expect(wanted(await runOf(program).advance([...journal([startedTurn("hi")]), ...rest]))).toEqual(wanted(progress));
  });

  test("whose record is missing where it must be fails the task, not the run", async () => {
    const run = runOf(conversation(record));
    await run.advance(journal([startedTurn("hi")]));
    await expect(run.advance(journal([fired("reply/recorded")], 4))).rejects.toMatchObject({ type: "RecordMissing" });
  });

  test("that is asked about later is read from where it was sent", async () => {
    const run = runOf(conversation(async (ctx) => {
      const reply = ctx.reply("hello");
      await ctx.activity("a");
      await ctx.activity("b");
      await reply.recorded();
    }));
    await run.advance(journal([startedTurn("hi")]));
    await run.advance(journal([event("activityCompleted", { key: "a" })], 4));
    expect(wanted(await run.advance(journal([event("activityCompleted", { key: "b" })], 6)))).toEqual(["timer reply/recorded"]);
    expect(run.outbox.recordsAfter).toBe(1);
  });

  test("that was kept in tells why", async () => {
    const program = conversation(async (ctx) => {
      const reply = ctx.reply("an offer");
      ctx.state.set("why", [(await reply.recorded()).suppressed, (await reply.delivered()).status]);
    });
    const turn = new TestEnvironment().startTurn(program, { cause: "idle", suppress: "frequencyCap" });
    await turn.result();
    expect(turn.state()).toEqual({ why: ["frequencyCap", "suppressed"] });
  });

  test("that quiet hours hold says until when", async () => {
    const program = conversation(async (ctx) => {
      const { heldUntil, suppressed, sequence } = await ctx.reply("an offer").recorded();
      ctx.state.set("held", [heldUntil instanceof Date, suppressed ?? "", sequence ?? 0]);
    });
    const turn = new TestEnvironment().startTurn(program, { cause: "idle", suppress: "quietHours" });
    await turn.result();
    expect(turn.state()).toEqual({ held: [true, "", 0] });
  });

  test("that asks and is kept in fails with its reason, and the code goes on", async () => {
    const program = conversation(async (ctx) => {
      try {
        await ctx.ask("Which order?");
      } catch (error) {
        if (!(error instanceof QuestionSuppressedError)) throw error;
        ctx.state.set("why", [error.key, error.reason]);
      }
    });
    const turn = new TestEnvironment().startTurn(program, { cause: "idle", suppress: "frequencyCap" });
    await turn.result();
    expect(turn.state()).toEqual({ why: ["ask", "frequencyCap"] });
  });

  test("follows its delivery as far as it is asked to", async () => {
    const program = conversation(async (ctx) => {
      const reply = ctx.reply("hello");
      const seen: string[] = [];
      for (const status of ["accepted", "delivered", "read"] as const) {
        const outcome = await reply.delivered(status);
        seen.push(`${outcome.status} ${String(ctx.now() - ctx.info.startTime.getTime())}`);
      }
      ctx.state.set("seen", seen);
    });
    const turn = new TestEnvironment().startTurn(program, { messages: ["hi"], deliveries: [["pending", { status: "accepted", after: 5 }, { status: "read", after: "1s" }]] });
    await turn.result();
    expect(turn.state()).toEqual({ seen: ["accepted 5", "read 1005", "read 1005"] });
  });

  test("that cannot be delivered ends the wait, with what the provider said", async () => {
    const deliveries = [{ status: "failed", detail: "no such number" }] as const;
    const program = conversation(async (ctx) => {
      const outcome = await ctx.reply("hello", { channel: "sms" }).delivered("read");
      ctx.reply(`${outcome.status}: ${outcome.detail}`, { channel: "email" });
    });
    const turn = new TestEnvironment().startTurn(program, { messages: ["hi"], deliveries });
    await turn.result();
    expect(turn.replies.map(({ channel, text }) => `${channel} ${text}`)).toEqual(["sms hello", "email failed: no such number"]);
  });

  test("whose delivery nobody tells of can be waited for with a bound", async () => {
    expect(await repliesOf(async (ctx) => {
      ctx.reply(((await ctx.reply("hello").delivered().within("1m")) === undefined) ? "no news" : "news");
    }, {})).toEqual(["hello", "no news"]);
  });

  test("does not keep the journal being read when the turn is interrupted", async () => {
    const run = runOf(conversation(async (ctx) => {
      await ctx.reply("hello").recorded().catch(() => undefined);
      await ctx.shield(() => ctx.activity("release"));
    }));
    await run.advance(journal([startedTurn("hi")]));
    expect(wanted(await run.advance(journal([interrupted], 4)))).toEqual(["cancel reply/recorded", "schedule release"]);
    expect(run.outbox.recordsAfter).toBeUndefined();
  });

  test("delivery changes of no interest change nothing", async () => {
    const run = runOf(conversation(async (ctx) => { ctx.reply("hello"); await ctx.activity("a"); }));
    await run.advance(journal([startedTurn("hi")]));
    const changed = event("deliveryChanged", { key: "reply", messageSequence: 2n, status: DeliveryStatus.ACCEPTED });
    expect(wanted(await run.advance(journal([changed], 4)))).toEqual([]);
  });
});
