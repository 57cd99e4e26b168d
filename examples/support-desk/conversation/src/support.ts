/** The conversation of the support desk: what it does about messages and events. */

import { type Conversation, defineConversation, StepError, type TurnPolicy } from "everturn";
import { firstWords } from "./first.js";
import { TEXTS } from "./texts.js";
import type { Timing } from "./timing.js";
import { answer } from "./turn.js";

/** How messages become turns: a burst is one, and newer words supersede an answer that is not out yet. */
const POLICY: TurnPolicy = {
  debounce: { quiet: "1s", maxWait: "10s" },
  onBusy: "INTERRUPT",
  interruptGrace: "5s",
  // Agents that write first do so now and then.
  frequencyCap: { maxMessages: 3, window: "1d" },
};

/** The conversation `support`. */
export function supportConversation(timing: Timing): Conversation {
  return defineConversation({
    type: "support",
    turnPolicy: POLICY,
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
