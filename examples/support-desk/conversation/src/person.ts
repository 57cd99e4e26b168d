/** When a person takes over, and what is left to do when they hand back. */

import type { HandBack, Message, StateAccess, TurnContext } from "everturn";
import type { Classification } from "./agents.js";
import { TEXTS } from "./texts.js";

/** The team that takes over. */
export const TEAM = "support-desk";
/** So many angry turns, and a person takes over. */
const ANGRY_TURNS_MAX = 2;

/** Why a person should take over; `undefined` if there is no need. Counts angry turns. */
export function reasonForPerson(state: StateAccess, found: Classification): string | undefined {
  if (found.human) return "the customer asks for a person";
  if (!found.upset) return undefined;
  const angry = (state.get<number>("angry") ?? 0) + 1;
  state.set("angry", angry);
  return angry >= ANGRY_TURNS_MAX ? "the customer is angry again" : undefined;
}

/** Says so, hands over, and waits until the conversation comes back: for days, if need be. */
export async function handOver(ctx: TurnContext, reason: string, channel: string, words: string = TEXTS.person): Promise<HandBack> {
  ctx.state.set("angry", 0);
  ctx.reply(words, { channel, author: "manager" });
  const context = { order: ctx.state.get("order") ?? null, intent: ctx.state.get("intent") ?? null, name: ctx.state.get("name") ?? null };
  return ctx.handOff({ team: TEAM, reason, context });
}

/** The customer's messages that nobody answered before the conversation came back. */
export function unanswered({ messages }: HandBack): readonly Message[] {
  const last = messages.findLastIndex((message) => message.authorKind === "human");
  return messages.slice(last + 1).filter((message) => message.authorKind === "customer");
}
