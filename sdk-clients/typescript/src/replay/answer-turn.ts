/** Which handlers of a conversation answer a turn, and in which order. */

import type { Conversation, TurnHandler } from "../conversation.js";
import type { Turn, TurnContext } from "../turn.js";

/** Answers a turn: its events go to their handlers, the rest to the handler of its cause. */
export async function answerTurn(conversation: Conversation, ctx: TurnContext, turn: Turn): Promise<void> {
  const { onTurn } = conversation;
  let isLeft = false;
  for (const event of turn.events) {
    const handler = conversation.onEvent.get(event.type);
    if (handler !== undefined) {
      await handler(ctx, turn, event);
    } else if (turn.cause === "message" || turn.cause === "reopened") {
      // It is in `turn.events` when the messages are answered.
    } else if (onTurn === undefined) {
      ctx.log.warn("event without a handler ignored", { eventType: event.type, eventId: event.id });
    } else if (!isLeft) {
      isLeft = true;
      await onTurn(ctx, turn);
    }
  }
  if (turn.cause === "event") return;
  const handler = handlerOf(conversation, turn) ?? onTurn;
  if (handler !== undefined) await handler(ctx, turn);
  else ctx.log.warn("turn without a handler ignored", { cause: turn.cause });
}

function handlerOf(conversation: Conversation, turn: Turn): TurnHandler | undefined {
  switch (turn.cause) {
    case "idle":
      return conversation.onIdle;
    case "customerTimeout":
      return conversation.onCustomerTimeout;
    case "staffTimeout":
      return conversation.onStaffTimeout;
    default:
      return conversation.onTurn;
  }
}
