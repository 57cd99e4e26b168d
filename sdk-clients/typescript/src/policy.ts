/** Turn policies: how the messages and events of conversations become turns. */

import { create } from "@bufbuild/protobuf";
import { fromPbOutsidePolicy, type OutsidePolicy, toPbOutsidePolicy } from "./channel-policy.js";
import { type Duration, fromPbDuration, toPbDuration } from "./duration.js";
import {
  type Budget as PbBudget,
  type HandoffTimeout as PbHandoffTimeout,
  HandoffTimeoutSchema,
  OnBusy as PbOnBusy,
  OnClosed as PbOnClosed,
  OnErased as PbOnErased,
  OnHumanMessage as PbOnHumanMessage,
  type OnTurnFailure as PbOnTurnFailure,
  OnTurnFailureSchema,
  type QuietHours as PbQuietHours,
  type TurnPolicy as PbTurnPolicy,
  TurnPolicySchema,
} from "./gen/everturn/v1/policy_pb.js";
import { type Assignee, fromPbAssignee, toPbAssignee } from "./person.js";

export type { ChannelPolicy, OnAutomatic, OnEdit, OptOut, TurnCap } from "./channel-policy.js";

/**
 * What a message or event does to a turn that is running: wait for the next turn, interrupt it, or
 * be delivered into it.
 */
export type OnBusy = "QUEUE" | "INTERRUPT" | "STEER";

/** A time of day: `"22:00"`. */
export type ClockTime = `${number}:${number}`;

/**
 * Hours of the day in which agents do not write first: an event that comes in them waits, and what a
 * proactive turn says in them is held until they are over, or until the customer writes.
 */
export interface QuietHours {
  /** Time zone by its IANA name (`"Europe/Berlin"`). Default UTC. */
  readonly timeZone?: string;
  /** When they begin. */
  readonly start: ClockTime;
  /** When they end; before `start`: on the next day. */
  readonly end: ClockTime;
}

/** How often agents may write first. */
export interface FrequencyCap {
  /** Proactive messages in any window. 1 to 1,000; 0 removes the cap in an update. */
  readonly maxMessages: number;
  /** Length of the window. From 1 s to 366 d. */
  readonly window: Duration;
}

/**
 * What a conversation may use. When a bound is reached no further activity starts and an approval is
 * requested, which raises the bounds.
 */
export interface Budget {
  /** Tokens, input and output together. Default 0: no bound. */
  readonly tokens?: number;
  /** Cost in millionths of `currency`. Default 0: no bound. */
  readonly costMicros?: number;
  /** ISO 4217 code of the currency that costs are reported in. Required with `costMicros`. */
  readonly currency?: string;
}

/**
 * What follows a turn that failed, timed out or was ended from outside. The messages that no reply
 * answered stay unanswered: the next turn is given them, whatever starts it.
 */
export interface OnTurnFailure {
  /**
   * Attempts in all at what a turn was given: each is a turn of its own, with the same messages and
   * events. Not after a non-retryable failure. Default 1; at most 100.
   */
  readonly attempts?: number;
  /** Delay before the second attempt; doubled for each one after it, up to 1 h. Default 5 s. */
  readonly backoff?: Duration;
  /**
   * What follows the last one: nothing until the customer writes (`"wait"`, the default), a person or
   * team, or an event of a type whose payload has `turn`, `attempts` and `failure`.
   */
  readonly then?: "wait" | { readonly handOff: Assignee } | { readonly event: string };
}

/** What a customer's message does to a closed conversation. */
export type OnClosed = "REOPEN" | "REFUSE";

/** What a message does under the id of an erased conversation. */
export type OnErased = "REFUSE" | "BEGIN_ANEW";

/** What a person's message does to a conversation that agents own. */
export type OnHumanMessage = "TAKE_OVER" | "KEEP" | "REFUSE";

/** What follows a handover in which no person has written. */
export interface HandoffTimeout {
  /** After how long. From 1 s to 366 d; 0 removes it. */
  readonly after: Duration;
  /**
   * What: the agents have the conversation again (`"handBack"`, the default), somebody else has it, or the
   * agents have it again with an event of a type whose payload has `assignee`.
   */
  readonly then?: "handBack" | { readonly handOff: Assignee } | { readonly event: string };
}

/**
 * How the messages and events of a conversation become turns. What is left out takes the default of
 * the conversation type when a conversation opens, and stays as it is in an update.
 */
export interface TurnPolicy extends OutsidePolicy {
  /** How bursts are collected. */
  readonly debounce?: {
    /** A turn starts when no message came for this long. Default: at once; at most 1 h. */
    readonly quiet?: Duration;
    /** A turn starts at the latest this long after the first message. Default 10 times `quiet`; at most 24 h. */
    readonly maxWait?: Duration;
    /** A turn starts at once when this many wait. Default 0: no such bound; at most 1,000. */
    readonly maxMessages?: number;
  };
  /** What a message does to a turn that is running. Default `QUEUE`. */
  readonly onBusy?: OnBusy;
  /** What an event does to a turn that is running. Default `QUEUE`. */
  readonly onEvent?: OnBusy;
  /** How long an interrupted turn may clean up. Default 10 s; at most 10 min. */
  readonly interruptGrace?: Duration;
  /** A turn with the cause `idle` starts when nobody wrote for this long. Default: never; 0 removes it. */
  readonly idleTimeout?: Duration;
  /** A turn with the cause `customerTimeout` starts when the customer has not answered for this long. Default: never. */
  readonly customerTimeout?: Duration;
  /** A turn with the cause `staffTimeout` starts when the customer had no answer for this long. Default: never. */
  readonly staffTimeout?: Duration;
  /** When agents do not write first. Default: never. */
  readonly quietHours?: QuietHours;
  /** Agents may write first at any hour: removes the quiet hours in force, or of the type. Not with `quietHours`. */
  readonly noQuietHours?: boolean;
  /** How often agents may write first. Default: no bound. */
  readonly frequencyCap?: FrequencyCap;
  /** What the conversation may use. Default: no bound. */
  readonly budget?: Budget;
  /** What follows a turn that failed. Default: one attempt, then `"wait"`. */
  readonly onTurnFailure?: OnTurnFailure;
  /**
   * How often the turns of one episode are interrupted at most (`INTERRUPT`), so that a customer who does
   * not stop writing gets a reply. Default 3; at most 1,000.
   */
  readonly maxInterrupts?: number;
  /** Time from the start of an episode after which none of its turns is interrupted. Default: no bound; 0 removes it. */
  readonly maxDelay?: Duration;
  /**
   * What a customer's message does once the conversation is closed: within 30 days it is open again, with
   * its transcript and state, or the message is refused (`CONVERSATION_CLOSED`). Default `"REOPEN"`.
   */
  readonly onClosed?: OnClosed;
  /** What a message does once it was erased: it is refused, or a new one begins. Default `"REFUSE"`. */
  readonly onErased?: OnErased;
  /**
   * What a person's message does while agents own the conversation: the person takes it over, the agents
   * keep it, or the message is refused (`NOT_HANDED_OFF`). Default `"TAKE_OVER"`.
   */
  readonly onHumanMessage?: OnHumanMessage;
  /** What follows a handover in which no person writes for a while. Default: nothing. */
  readonly handoffTimeout?: HandoffTimeout;
}

/**
 * Writes a policy for the wire.
 *
 * @throws RangeError if a time of day or a duration is none.
 */
export function toPbTurnPolicy(policy: TurnPolicy): PbTurnPolicy {
  const { debounce, frequencyCap, budget, quietHours } = policy;
  return create(TurnPolicySchema, {
    onBusy: PbOnBusy[policy.onBusy ?? "UNSPECIFIED"],
    onEvent: PbOnBusy[policy.onEvent ?? "UNSPECIFIED"],
    ...span("interruptGrace", policy.interruptGrace),
    ...span("idleTimeout", policy.idleTimeout),
    ...span("customerTimeout", policy.customerTimeout),
    ...span("staffTimeout", policy.staffTimeout),
    ...(debounce === undefined
      ? {}
      : { debounce: { ...span("quiet", debounce.quiet), ...span("maxWait", debounce.maxWait), maxMessages: debounce.maxMessages ?? 0 } }),
    ...(quietHours === undefined
      ? {}
      : { quietHours: { timeZone: quietHours.timeZone ?? "", startMinute: toMinute(quietHours.start), endMinute: toMinute(quietHours.end) } }),
    noQuietHours: policy.noQuietHours ?? false,
    ...(frequencyCap === undefined ? {} : { frequencyCap: { maxMessages: frequencyCap.maxMessages, window: toPbDuration(frequencyCap.window) } }),
    ...(budget === undefined
      ? {}
      : { budget: { tokens: BigInt(budget.tokens ?? 0), costMicros: BigInt(budget.costMicros ?? 0), currency: budget.currency ?? "" } }),
    ...(policy.onTurnFailure === undefined ? {} : { onTurnFailure: toPbOnTurnFailure(policy.onTurnFailure) }),
    maxInterrupts: policy.maxInterrupts ?? 0,
    ...span("maxDelay", policy.maxDelay),
    onClosed: PbOnClosed[policy.onClosed ?? "UNSPECIFIED"],
    onErased: PbOnErased[policy.onErased ?? "UNSPECIFIED"],
    onHumanMessage: PbOnHumanMessage[policy.onHumanMessage ?? "UNSPECIFIED"],
    ...(policy.handoffTimeout === undefined ? {} : { handoffTimeout: toPbHandoffTimeout(policy.handoffTimeout) }),
    ...toPbOutsidePolicy(policy),
  });
}

function toPbHandoffTimeout({ after, then = "handBack" }: HandoffTimeout): PbHandoffTimeout {
  return create(HandoffTimeoutSchema, {
    after: toPbDuration(after),
    ...(then === "handBack" ? {} : { then: "handOff" in then ? { case: "handOff", value: toPbAssignee(then.handOff) } : { case: "eventType", value: then.event } }),
  });
}

function fromPbHandoffTimeout({ after, then }: PbHandoffTimeout): HandoffTimeout {
  const next = (): HandoffTimeout["then"] => {
    if (then.case === "handOff") return { handOff: fromPbAssignee(then.value) };
    return then.case === "eventType" ? { event: then.value } : "handBack";
  };
  return { after: fromPbDuration(after), then: next() ?? "handBack" };
}

function toPbOnTurnFailure({ attempts = 1, backoff, then = "wait" }: OnTurnFailure): PbOnTurnFailure {
  return create(OnTurnFailureSchema, {
    attempts,
    ...span("backoff", backoff),
    ...(then === "wait" ? {} : { then: "handOff" in then ? { case: "handOff", value: toPbAssignee(then.handOff) } : { case: "eventType", value: then.event } }),
  });
}

function fromPbOnTurnFailure({ attempts, backoff, then }: PbOnTurnFailure): OnTurnFailure {
  const next = (): OnTurnFailure["then"] => {
    if (then.case === "handOff") return { handOff: fromPbAssignee(then.value) };
    return then.case === "eventType" ? { event: then.value } : "wait";
  };
  return { attempts, backoff: fromPbDuration(backoff), then: next() ?? "wait" };
}

/** Reads a policy. */
export function fromPbTurnPolicy(policy: PbTurnPolicy | undefined): TurnPolicy {
  if (policy === undefined) return {};
  const { frequencyCap: cap, idleTimeout, customerTimeout, staffTimeout } = policy;
  return {
    onBusy: fromPbOnBusy(policy.onBusy),
    onEvent: fromPbOnBusy(policy.onEvent),
    interruptGrace: fromPbDuration(policy.interruptGrace),
    debounce: {
      quiet: fromPbDuration(policy.debounce?.quiet),
      maxWait: fromPbDuration(policy.debounce?.maxWait),
      maxMessages: policy.debounce?.maxMessages ?? 0,
    },
    ...(idleTimeout === undefined ? {} : { idleTimeout: fromPbDuration(idleTimeout) }),
    ...(customerTimeout === undefined ? {} : { customerTimeout: fromPbDuration(customerTimeout) }),
    ...(staffTimeout === undefined ? {} : { staffTimeout: fromPbDuration(staffTimeout) }),
    ...(policy.quietHours === undefined ? {} : { quietHours: fromPbQuietHours(policy.quietHours) }),
    ...(cap === undefined ? {} : { frequencyCap: { maxMessages: cap.maxMessages, window: fromPbDuration(cap.window) } }),
    ...(policy.budget === undefined ? {} : { budget: fromPbBudget(policy.budget) }),
    ...(policy.onTurnFailure === undefined ? {} : { onTurnFailure: fromPbOnTurnFailure(policy.onTurnFailure) }),
    maxInterrupts: policy.maxInterrupts,
    ...(policy.maxDelay === undefined ? {} : { maxDelay: fromPbDuration(policy.maxDelay) }),
    onClosed: policy.onClosed === PbOnClosed.REFUSE ? "REFUSE" : "REOPEN",
    onErased: policy.onErased === PbOnErased.BEGIN_ANEW ? "BEGIN_ANEW" : "REFUSE",
    onHumanMessage: fromPbOnHumanMessage(policy.onHumanMessage),
    ...(policy.handoffTimeout === undefined ? {} : { handoffTimeout: fromPbHandoffTimeout(policy.handoffTimeout) }),
    ...fromPbOutsidePolicy(policy),
  };
}

function fromPbOnHumanMessage(value: PbOnHumanMessage): OnHumanMessage {
  if (value === PbOnHumanMessage.KEEP) return "KEEP";
  return value === PbOnHumanMessage.REFUSE ? "REFUSE" : "TAKE_OVER";
}

function fromPbOnBusy(value: PbOnBusy): OnBusy {
  if (value === PbOnBusy.INTERRUPT) return "INTERRUPT";
  return value === PbOnBusy.STEER ? "STEER" : "QUEUE";
}

function fromPbQuietHours({ timeZone, startMinute, endMinute }: PbQuietHours): QuietHours {
  return { timeZone: timeZone || "UTC", start: toClock(startMinute), end: toClock(endMinute) };
}

function fromPbBudget({ tokens, costMicros, currency }: PbBudget): Budget {
  return { tokens: Number(tokens), costMicros: Number(costMicros), currency };
}

function toMinute(time: ClockTime): number {
  const match = /^(\d{1,2}):(\d{2})$/.exec(time);
  const [hours, minutes] = [Number(match?.[1]), Number(match?.[2])];
  if (!(hours < 24 && minutes < 60)) throw new RangeError(`not a time of day: "${time}"; write "22:00"`);
  return hours * 60 + minutes;
}

function toClock(minute: number): ClockTime {
  const digits = (value: number): string => String(value).padStart(2, "0");
  return `${digits(Math.floor(minute / 60))}:${digits(minute % 60)}` as ClockTime;
}

function span<Name extends string>(name: Name, value: Duration | undefined): Partial<Record<Name, ReturnType<typeof toPbDuration>>> {
  return value === undefined ? {} : ({ [name]: toPbDuration(value) } as Partial<Record<Name, ReturnType<typeof toPbDuration>>>);
}
