/** What the code of a conversation sees: the turn, its context, and what becomes of replies. */

import type { Step, StepOptions, WorkflowContext } from "./context.js";
import type { DeliveryStatus } from "./delivery-state.js";
import type { Duration } from "./duration.js";
import type { ConversationEvent, EventType } from "./event.js";
import type { Content, Message } from "./message.js";
import type { FailureInfo } from "./failure-info.js";
import type { HandBack, HandOffRequest } from "./person.js";
import type { SuppressReason } from "./suppress-reason.js";

/**
 * Why a turn was started. All but `message`, `reopened` and `staffTimeout` are proactive: quiet hours and
 * the frequency cap hold. `reopened` is a message that opened the conversation again after it was closed.
 */
export type TurnCause = "message" | "event" | "idle" | "customerTimeout" | "staffTimeout" | "reopened";

/** Options of a reply. */
export interface ReplyOptions extends StepOptions {
  /** Channel to send it by. Default: the turn's reply channel. */
  readonly channel?: string;
  /** Name of the agent that speaks. Default: the conversation type. */
  readonly author?: string;
}

/**
 * What was recorded about a reply: it is in the transcript, a fence kept it in, or quiet hours hold it
 * until then (or until the customer writes).
 */
export type ReplyRecord =
  | { readonly sequence: number; readonly channel: string; readonly suppressed?: undefined; readonly heldUntil?: undefined }
  | { readonly sequence?: undefined; readonly channel: string; readonly suppressed: SuppressReason; readonly heldUntil?: undefined }
  | { readonly sequence?: undefined; readonly channel: string; readonly suppressed?: undefined; readonly heldUntil: Date };

/** Options of a question. */
export interface AskOptions extends ReplyOptions {
  /** What the customer wrote before the question answers it too. Default: it comes with the answer, marked `isEarlier`. */
  readonly acceptEarlier?: boolean;
}

/** A message of the customer that came with the answer to a question. */
export interface AnswerMessage extends Message {
  /** It was written before the question was sent. */
  readonly isEarlier: boolean;
}

/** What the interrupted turns did whose work a turn takes up. */
export interface InterruptedTurns {
  /** Number of the first of them. */
  readonly firstTurn: number;
  /**
   * Their steps that were begun, oldest first: at most 100. Activities of this turn have the idempotency
   * keys of theirs, so that what was begun under a key is not done twice.
   */
  readonly steps: readonly InterruptedStep[];
}

/** A step of an interrupted turn that was begun. */
export interface InterruptedStep {
  /** Number of the turn. */
  readonly turn: number;
  readonly key: string;
  readonly kind: "activity" | "child" | "local";
  /** Name of the activity; empty for the others. */
  readonly activityType: string;
  /** How it ended; `unknown`: nobody knows whether it was done. */
  readonly status: "completed" | "failed" | "unknown";
  /** What it returned, if it completed and the result is kept. */
  readonly result: unknown;
  /** Why it failed, if it did. */
  readonly failure: FailureInfo | undefined;
  /** The result is left out: those of an episode hold at most 64 KiB together. */
  readonly isCut: boolean;
}

/** How far a reply came on its way to the customer. */
export interface DeliveryOutcome {
  readonly status: Extract<DeliveryStatus, "accepted" | "delivered" | "read" | "failed" | "unknown"> | "suppressed";
  /** Which fence kept it in, with the status `suppressed`. */
  readonly suppressed: SuppressReason | undefined;
  /** Why it failed or is unknown, or what the provider said. */
  readonly detail: string;
}

/** A reply that was handed over. Most code has no use for it. */
export interface Reply {
  /** Key of the step. */
  readonly key: string;
  /**
   * Waits until the reply is recorded, and tells whether it left. Costs a round trip to the
   * coordinator: the code goes on in a later task, at the same point in every replay.
   */
  recorded(): Step<ReplyRecord>;
  /**
   * Waits until the adapter of its channel brought it so far, or no further: a delivery that failed,
   * is unknown or was suppressed ends the wait too. Not every provider tells more than `accepted`, and
   * a channel without an address has no delivery at all: bound the wait with `within`.
   *
   * @param status How far. Default `delivered`.
   */
  delivered(status?: "accepted" | "delivered" | "read"): Step<DeliveryOutcome>;
}

/** The context of a turn's code. */
export interface TurnContext extends WorkflowContext {
  /**
   * Sends a message to the customer. It leaves with the commit of this stretch of the code; if the
   * turn was superseded, a person owns the conversation, or it was closed meanwhile, it is kept in. In a
   * pause this stretch of the code runs again after it. In a proactive turn quiet hours hold it until
   * they are over, and the frequency cap may keep it in.
   */
  reply(content: string | Content, options?: ReplyOptions): Reply;

  /**
   * Changes a message that the adapter of its channel has sent into another one, by an adapter that can
   * (`canChange`); otherwise like `reply`. Both stay in the transcript.
   *
   * @param sequence Position of the message.
   */
  edit(sequence: number, content: string | Content, options?: Pick<ReplyOptions, "key" | "author">): Reply;

  /** Takes back a message that the adapter of its channel has sent; otherwise like `edit`. */
  retract(sequence: number, options?: Pick<ReplyOptions, "key" | "author">): Reply;

  /**
   * Asks the customer, with or without words, and waits for their next messages: for days, if need
   * be. At most one ask is open in a turn; it stays open when it loses a race, until it is answered
   * or canceled, or the turn ends. Only what is written after the question answers it; one that is kept
   * in rejects with `QuestionSuppressedError`, and one that quiet hours hold opens when it leaves.
   */
  ask(question?: string | Content, options?: AskOptions): Step<readonly AnswerMessage[]>;
  /** Asks with a bound: gives `undefined` and closes the ask when no answer came in time. */
  ask(question: string | Content | undefined, options: AskOptions & { readonly timeout: Duration }): Step<readonly AnswerMessage[] | undefined>;

  /**
   * Hands the conversation to a person or a team and waits until it is handed back: for days, if
   * need be. What the turn says or writes into the state meanwhile is kept in. Canceling the step
   * only ends the wait: the conversation stays theirs.
   */
  handOff(request: HandOffRequest, options?: StepOptions): Step<HandBack>;

  /**
   * Says that the messages which the turn was given so far need no answer, and why: the conversation is
   * not shown as unanswered for their sake. At most 1 KiB.
   */
  noReply(reason: string, options?: StepOptions): void;

  /**
   * Ends the conversation with the commit of this stretch of the code: what was sent before stays sent,
   * what is sent after it is kept in. Does not take place when a message or event waits that the turn has
   * not been given, or a fence is closed: that gets its turn. A message of the customer may open it again
   * (policy `onClosed`).
   *
   * @param reason Why, for the record. At most 1 KiB.
   */
  closeConversation(reason?: string, options?: StepOptions): void;
}

/** The turn that is to be answered. */
export interface Turn {
  /** Id of the conversation. */
  readonly conversationId: string;
  /** Type of the conversation. */
  readonly conversationType: string;
  /** Number of the turn in the conversation, from 1. */
  readonly number: number;
  /** Why it was started. */
  readonly cause: TurnCause;
  /** Which attempt at its messages it is, from 1; more only with the policy `onTurnFailure`. */
  readonly attempt: number;
  /** What the interrupted turns did whose work this one takes up; `undefined` if none was. */
  readonly interrupted: InterruptedTurns | undefined;
  /**
   * The messages to answer, in transcript order, with those that an interrupted or failed turn has left.
   * Empty unless the cause is `message` or `reopened`, or there are such.
   */
  readonly messages: readonly Message[];
  /** The texts of `messages`, one per line. */
  readonly text: string;
  /** The events to handle, in order; with the cause `message` those that came with the burst. */
  readonly events: readonly ConversationEvent[];
  /** The end of the transcript before `messages`: at most 20 messages and 32 KiB. */
  readonly recent: readonly Message[];
  /** Channel that a reply goes out by unless the code names one. */
  readonly replyChannel: string;
  /** Channels that the conversation had an address for when the turn began, with the addresses. */
  readonly addresses: Readonly<Record<string, string>>;
  /**
   * Calls a function for each batch of messages that is delivered into this turn (policy `STEER`),
   * those that came before included.
   */
  onMessage(handler: (messages: readonly Message[]) => unknown): void;
  /**
   * The batches of messages that are delivered into this turn (policy `STEER`), as they come. Never
   * ends by itself; rejects when the turn is canceled or interrupted.
   */
  arrivals(): AsyncIterableIterator<readonly Message[]>;
  /**
   * Calls a function for each event that is delivered into this turn (policy `onEvent: "STEER"`),
   * instead of the conversation's own handler; those that came before and went to nobody included.
   */
  onEvent(handler: (event: ConversationEvent) => unknown): void;
  /** Calls a function for each event of a type. */
  onEvent<Payload>(type: EventType<Payload>, handler: (event: ConversationEvent<Payload>) => unknown): void;
}
