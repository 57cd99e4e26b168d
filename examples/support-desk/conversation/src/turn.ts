/**
 * A turn that answers a customer, from their messages to the answer.
 *
 * Every `await` may last for days and outlive this process: what happened so far is in the journal,
 * and another worker goes on from there.
 */

import { ChildError, type Message, textOf, type Turn, type TurnContext } from "everturn";
import { act } from "./acting.js";
import { type Answer, type Classification, classify, type Draft, type Inquiry, lookupOrder, mergeDrafts } from "./agents.js";
import { handOver, reasonForPerson, unanswered } from "./person.js";
import { goOn, openSubject, type Subject } from "./subject.js";
import { salesAgent, supportAgent } from "./team.js";
import { TEXTS } from "./texts.js";
import type { Timing } from "./timing.js";

/** How often a turn asks for the order before it lets it be. */
const QUESTIONS_MAX = 3;

/** Answers the customer's messages. */
export async function answer(ctx: TurnContext, turn: Turn, timing: Timing): Promise<void> {
  let messages = turn.messages;
  let subject: Subject | undefined;
  for (let questions = 0; ; questions += 1) {
    const text = textOf(messages);
    const found = await ctx.activity(classify, text);
    subject = subject === undefined ? openSubject(text, found, ctx.state.get<string>("intent")) : goOn(subject, text, found);
    const channel = messages.at(-1)?.channel ?? turn.replyChannel;

    const reason = reasonForPerson(ctx.state, found);
    const inquiry = reason === undefined ? await act(ctx, turn.conversationId, await inquire(ctx, subject, found, channel)) : { person: reason };
    if (inquiry === "done") return;
    if ("person" in inquiry) {
      messages = unanswered(await handOver(ctx, inquiry.person, channel, inquiry.words));
      if (messages.length === 0) return;
      subject = undefined;
      continue;
    }

    const [support, sales] = await Promise.all([ctx.child(supportAgent, inquiry), suggestion(ctx, inquiry)]);
    const isComplete = support.missing.length === 0;
    const said = await merge(ctx, support, isComplete ? sales : null, inquiry);
    if (isComplete) {
      ctx.reply(said.text, { channel: said.channel, author: "manager" });
      return;
    }
    if (questions === QUESTIONS_MAX) {
      ctx.reply(TEXTS.unknown, { channel, author: "manager" });
      return;
    }
    const reply = await ask(ctx, said, timing);
    if (reply === undefined) return;
    messages = reply;
  }
}

/** One answer of both drafts, in the form of the channel. */
export function merge(ctx: TurnContext, lead: Draft, sales: Draft | null, { channel, upset }: { channel: string; upset: boolean }): Promise<Answer> {
  const name = ctx.state.get<string>("name") ?? null;
  return ctx.activity(mergeDrafts, { support: lead, sales, channel, name, upset });
}

/** Puts together what Support and Sales have to know, and keeps what the next turns need. */
async function inquire(ctx: TurnContext, subject: Subject, found: Classification, channel: string): Promise<Inquiry> {
  const number = found.order ?? ctx.state.get<string>("order") ?? null;
  const order = number === null ? null : await ctx.activity(lookupOrder, number);
  if (order !== null) ctx.state.set("order", order.number);
  if (found.name !== null) ctx.state.set("name", found.name);
  ctx.state.set("intent", subject.intent);
  return { ...subject, channel, number, order };
}

/** What Sales suggests. Nobody has to wait for a suggestion that cannot be made. */
async function suggestion(ctx: TurnContext, inquiry: Inquiry): Promise<Draft | null> {
  try {
    return await ctx.child(salesAgent, inquiry);
  } catch (error) {
    if (!(error instanceof ChildError)) throw error;
    ctx.log.warn("answering without Sales", { reason: error.failure.message });
    return null;
  }
}

/** Asks, reminds once, and says goodbye: the customer's next messages, or nothing. */
async function ask(ctx: TurnContext, question: Answer, timing: Timing): Promise<readonly Message[] | undefined> {
  const asked = ctx.ask(question.text, { channel: question.channel, author: "manager" });
  const soon = await asked.within(timing.remindAfterMs);
  if (soon !== undefined) return soon;
  ctx.reply(TEXTS.reminder, { channel: question.channel, author: "manager" });
  const late = await asked.within(timing.giveUpAfterMs);
  if (late !== undefined) return late;
  asked.cancel();
  ctx.reply(TEXTS.goodbye, { channel: question.channel, author: "manager" });
  return undefined;
}
