/** Conversations: what user code defines to answer their turns. */

import { checkName } from "./activity.js";
import { type Duration, milliseconds } from "./duration.js";
import { type ConversationEvent, type EventType, readEvent } from "./event.js";
import { toPbTurnPolicy, type TurnPolicy } from "./policy.js";
import type { Turn, TurnContext } from "./turn.js";

/** Answers one turn. */
export type TurnHandler = (ctx: TurnContext, turn: Turn) => unknown;

/** Handles one event. */
export type EventHandler<Payload = unknown> = (ctx: TurnContext, turn: Turn, event: ConversationEvent<Payload>) => unknown;

/** A handler with the type of the events that it is for. */
export interface BoundEventHandler {
  readonly type: string;
  readonly handler: EventHandler<never>;
}

/** What a conversation does. At least one handler must be there. */
export interface ConversationOptions {
  /** Type of the conversation. 1 to 256 bytes. */
  readonly type: string;
  /** Answers one turn: whatever has no handler of its own. Look at `turn.cause`. */
  readonly onTurn?: TurnHandler;
  /**
   * Handlers by type of event, as a record or typed with `handleEvent`. The events of a turn go to
   * them one after the other, in order; those that come with a burst of messages go before the
   * messages. An event without a handler is left to `onTurn`, which is called once; if there is none
   * either, the event is logged and ignored.
   */
  readonly onEvent?: Readonly<Record<string, EventHandler>> | readonly BoundEventHandler[];
  /** Answers a turn that started because nobody wrote for the policy's `idleTimeout`. */
  readonly onIdle?: TurnHandler;
  /** Answers a turn that started because the customer did not answer for the policy's `customerTimeout`. */
  readonly onCustomerTimeout?: TurnHandler;
  /** Answers a turn that started because the customer had no answer for the policy's `staffTimeout`. */
  readonly onStaffTimeout?: TurnHandler;
  /**
   * What conversations of this type begin with. A worker sets it when it starts (`registerTypes`);
   * conversations that are open keep theirs.
   */
  readonly turnPolicy?: TurnPolicy;
  /** How long a closed conversation is kept before it is erased. Set with the policy. Default: for ever. */
  readonly retention?: Duration;
}

/** A conversation with its code. */
export interface Conversation {
  readonly kind: "conversation";
  /** Type of the conversation. */
  readonly type: string;
  readonly onTurn: TurnHandler | undefined;
  readonly onEvent: ReadonlyMap<string, EventHandler>;
  readonly onIdle: TurnHandler | undefined;
  readonly onCustomerTimeout: TurnHandler | undefined;
  readonly onStaffTimeout: TurnHandler | undefined;
  readonly turnPolicy: TurnPolicy | undefined;
  readonly retention: Duration | undefined;
}

/** Binds a handler to a typed event, for `onEvent` of {@link defineConversation}. */
export function handleEvent<Payload>(event: EventType<Payload>, handler: EventHandler<Payload>): BoundEventHandler {
  if (event.schema === undefined) return { type: event.type, handler };
  return { type: event.type, handler: (ctx: TurnContext, turn: Turn, received: ConversationEvent) => handler(ctx, turn, readEvent(event, received)) };
}

/**
 * Defines a conversation: how its turns are answered. When a turn begins is the business of the turn
 * policy. The rules of durable code hold, see {@link defineWorkflow}.
 *
 * @throws RangeError if there is no handler, or a name or the policy is out of range.
 */
export function defineConversation(options: ConversationOptions): Conversation {
  const { type, onTurn, onIdle, onCustomerTimeout, onStaffTimeout, turnPolicy, retention } = options;
  checkName("conversation", type);
  const onEvent = new Map<string, EventHandler>();
  for (const [eventType, handler] of handlersOf(options.onEvent ?? {})) {
    checkName("event", eventType);
    if (onEvent.has(eventType)) throw new RangeError(`two handlers are for the event "${eventType}"`);
    onEvent.set(eventType, handler);
  }
  if ([onTurn, onIdle, onCustomerTimeout, onStaffTimeout].every((it) => it === undefined) && onEvent.size === 0) {
    throw new RangeError(`the conversation "${type}" has no handler`);
  }
  if (turnPolicy !== undefined) toPbTurnPolicy(turnPolicy);
  if (retention !== undefined) milliseconds(retention);
  return { kind: "conversation", type, onTurn, onEvent, onIdle, onCustomerTimeout, onStaffTimeout, turnPolicy, retention };
}

function handlersOf(handlers: NonNullable<ConversationOptions["onEvent"]>): [string, EventHandler][] {
  if (isList(handlers)) return handlers.map(({ type, handler }) => [type, handler as EventHandler]);
  return Object.entries(handlers);
}

function isList(handlers: NonNullable<ConversationOptions["onEvent"]>): handlers is readonly BoundEventHandler[] {
  return Array.isArray(handlers);
}
