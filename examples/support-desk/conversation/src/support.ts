/** The conversation of the support desk: what it does about messages and events. */

import { type Conversation, defineConversation, StepError, type TurnPolicy } from "everturn";
import { firstWords } from "./first.js";
import { TEXTS } from "./texts.js";
import type { Timing } from "./timing.js";
import { answer } from "./turn.js";

/** The conversation `support`, with its waits, and the turn policy that new ones begin with. */
export function supportConversation(timing: Timing, turnPolicy: TurnPolicy): Conversation {
  return defineConversation({
    type: "support",
    turnPolicy,
    onEvent: firstWords,
    onTurn: async (ctx, turn) => {
      try {
        await answer(ctx, turn, timing);
      } catch (error) {
        // An agent that will not recover is our trouble. Anything else, such as newer messages, passes.
        if (!(error instanceof StepError)) throw error;
        ctx.log.error("a turn was not answered", { step: error.key, reason: error.message });
        ctx.reply(TEXTS.trouble, { author: "manager" });
      }
    },
  });
}
