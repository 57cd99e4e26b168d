// Turns: replies, asks and reminders, interruption, messages delivered into a turn.
import { describe, expect, test } from "vitest";
import { defineConversation, type Turn, type TurnContext, textOf, TurnInterruptedError } from "../src/index.js";
import { TestEnvironment } from "../src/testing/index.js";
import { completed, event, journal, message, runOf, startedTurn, wanted } from "./journals.js";

const conversation = (onTurn: (ctx: TurnContext, turn: Turn) => unknown) => defineConversation({ type: "test", onTurn });
const interrupted = event("turnInterrupted", { grace: { $typeName: "google.protobuf.Duration", seconds: 10n, nanos: 0 } });

describe("a turn", () => {
  test("knows its messages and the conversation's state, and replies", async () => {
    const run = runOf(conversation((ctx, turn) => {
      ctx.reply(`${ctx.state.get<string>("name") ?? ""}: ${turn.text}`, { channel: "email", author: "bot" });
      ctx.reply({ data: { card: turn.number } });
    }));
    const progress = await run.advance(journal([startedTurn("one", "two")]));
    expect(wanted(progress)).toEqual(["send reply: Ada: one\ntwo", "send reply#2: ", "complete "]);
    expect(progress.commands[0]?.kind.value).toMatchObject({ channel: "email", authorName: "bot" });
  });

  test("waits in an ask and goes on with the answer", async () => {
    const run = runOf(conversation(async (ctx) => {
      ctx.reply(`got ${textOf(await ctx.ask("Which order?"))}`);
    }));
    expect(wanted(await run.advance(journal([startedTurn("hi")])))).toEqual(["ask ask: Which order?"]);
    const answered = event("askAnswered", { key: "ask", messages: [message("NT-1", 3)] });
    expect(wanted(await run.advance(journal([answered], 4)))).toEqual(["send reply: got NT-1", "complete "]);
  });

  const reminding = conversation(async (ctx) => {
    const ask = ctx.ask("Which order?");
    let answer = await Promise.race([ask, ctx.sleep("2m")]);
    if (answer === undefined) {
      ctx.reply("Still there?");
      answer = await ask.within("10m");
    }
    ctx.reply(answer === undefined ? "Goodbye." : `Thanks: ${textOf(answer)}`);
  });

  test("reminds, and takes a late answer to the same ask", async () => {
    const world = new TestEnvironment();
    const turn = world.startTurn(reminding, { messages: ["hi"], answers: [{ after: "5m", text: "NT-1" }] });
    await turn.result();
    expect(turn.replies.map(({ text }) => text)).toEqual(["Which order?", "Still there?", "Thanks: NT-1"]);
    expect(world.now() - Date.UTC(2026, 0, 1)).toBe(300_000);
  });

  test("gives up when no answer comes, and closes the ask", async () => {
    const turn = new TestEnvironment().startTurn(reminding, { messages: ["hi"] });
    await turn.result();
    expect(turn.replies.map(({ text }) => text)).toEqual(["Which order?", "Still there?", "Goodbye."]);
    const last = turn.events.slice(-2).map(({ kind }) => [kind.case, "targetKey" in (kind.value ?? {}) ? (kind.value as { targetKey: string }).targetKey : ""]);
    expect(last).toEqual([["commandCanceled", "ask"], ["runClosed", ""]]);
  });

  test("bounds an ask by a timeout and may ask again", async () => {
    const program = conversation(async (ctx) => {
      const first = await ctx.ask("One?", { timeout: "1m" });
      const second = await ctx.ask("Two?", { timeout: "1m" });
      ctx.reply(`${first === undefined ? "none" : "some"} ${second === undefined ? "none" : textOf(second)}`);
    });
    const turn = new TestEnvironment().startTurn(program, { messages: ["hi"], answers: [{ after: "1h", text: "late" }, "quick"] });
    await turn.result();
    expect(turn.replies.at(-1)?.text).toBe("none quick");
  });

  test("hands over what a later message says after it was interrupted, and cleans up", async () => {
    const seen: unknown[] = [];
    const program = conversation(async (ctx) => {
      try {
        await ctx.activity("draft");
        ctx.reply("never said");
      } catch (error) {
        seen.push(error);
        await ctx.shield(() => ctx.activity("release"));
        throw error;
      }
    });
    const run = runOf(program);
    await run.advance(journal([startedTurn("hi")]));
    expect(wanted(await run.advance(journal([interrupted], 3)))).toEqual(["cancel draft", "schedule release"]);
    expect(wanted(await run.advance(journal([completed("release")], 6)))).toEqual(["cancel run"]);
    expect(seen[0]).toBeInstanceOf(TurnInterruptedError);
    expect(seen[0]).toMatchObject({ graceMs: 10_000 });
  });

  test("suppresses what it says after it was interrupted", async () => {
    const program = conversation(async (ctx) => {
      await ctx.sleep("1h").catch(() => undefined);
      ctx.reply("too late");
    });
    const turn = new TestEnvironment().startTurn(program, { messages: ["hi"] });
    turn.interrupt("1m");
    await turn.result();
    expect(turn.replies).toEqual([]);
    expect(turn.events.map(({ kind }) => kind.case)).toContain("messageSuppressed");
  });

  test("reads messages that are delivered into it, as an iterator or by a function", async () => {
    const iterating = conversation(async (ctx, turn) => {
      const work = ctx.activity("work");
      const texts: string[] = [];
      void (async () => {
        for await (const messages of turn.arrivals()) texts.push(textOf(messages));
      })();
      await work;
      ctx.reply(texts.join());
    });
    const listening = conversation(async (ctx, turn) => {
      const texts: string[] = [];
      turn.onMessage((messages) => texts.push(textOf(messages)));
      await ctx.activity("work");
      ctx.reply(texts.join());
    });
    for (const program of [iterating, listening]) {
      const world: TestEnvironment = new TestEnvironment({ activities: { work: () => world.sleep("1m") } });
      const turn = world.startTurn(program, { messages: ["hi"] });
      turn.deliver(["and one"], "10s");
      turn.deliver(["and two", "three"], "20s");
      await turn.result();
      expect(turn.replies.at(-1)?.text).toBe("and one,and two\nthree");
    }
  });

  test("is not what a workflow runs, and the other way around", async () => {
    const run = runOf(conversation(() => undefined));
    await expect(run.advance(journal([event("runStarted", {})]))).rejects.toMatchObject({ type: "TypeMismatch" });
  });
});
