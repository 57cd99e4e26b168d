/** The part of turn policies that is about channels, machines that write, and edits. */

import { create } from "@bufbuild/protobuf";
import { type Duration, fromPbDuration, toPbDuration } from "./duration.js";
import {
  type ChannelPolicy as PbChannelPolicy,
  ChannelPolicySchema,
  OnAutomatic as PbOnAutomatic,
  OnEdit as PbOnEdit,
  OptOut as PbOptOut,
  type TurnCap as PbTurnCap,
  TurnCapSchema,
  type TurnPolicy as PbTurnPolicy,
} from "./gen/everturn/v1/policy_pb.js";
import { type Assignee, fromPbAssignee, toPbAssignee } from "./person.js";

/** What holds for the deliveries of a channel. */
export interface ChannelPolicy {
  /**
   * How long a message is worth sending: attempts that fail are repeated for so long. Default 1 h for the
   * channel `chat`, and 24 h for others. From 1 s to 30 d.
   */
  readonly expiresAfter?: Duration;
  /**
   * What follows a failure for good: nothing (the default), the next channel that has an address, a person
   * or team, or an event of a type whose payload has `messageSequence`, `channel` and `detail`.
   */
  readonly onUndeliverable?: "nothing" | "nextChannel" | { readonly handOff: Assignee } | { readonly event: string };
}

/** How many turns a conversation may have in a while: two machines must not talk for ever. */
export interface TurnCap {
  /** Turns in any window. 0: no bound. At most 10,000. */
  readonly turns: number;
  /** Length of the window. Default 1 h; from 1 s to 366 d. */
  readonly window?: Duration;
  /** What follows one more: it waits until the window has room (`"wait"`, the default), or a person or team has it. */
  readonly then?: "wait" | { readonly handOff: Assignee };
}

/** What a message of a machine does: it is in the transcript and starts no turn, or it is as any other. */
export type OnAutomatic = "RECORD" | "TURN";

/** What the change of a message does that a turn is done with: it is in the transcript, or it is as a message. */
export type OnEdit = "RECORD" | "TURN";

/** What the customer does not want to get by a channel: nothing that agents write first, or nothing at all. */
export type OptOut = "none" | "proactive" | "all";

/** What a turn policy says about it. */
export interface OutsidePolicy {
  /** What holds for deliveries, by channel: given channels replace theirs. At most 16. */
  readonly channels?: Readonly<Record<string, ChannelPolicy>>;
  /** How many turns the conversation may have in a while. Default 120 in an hour, then it waits. */
  readonly turnCap?: TurnCap;
  /** What a message of a machine does. Default `RECORD`. */
  readonly onAutomatic?: OnAutomatic;
  /** Addresses of ours: what comes from them is no customer's message. At most 64. */
  readonly ownAddresses?: readonly string[];
  /** What the change of a message does that a turn is done with. Default `RECORD`. */
  readonly onEdit?: OnEdit;
}

/** Writes it for the wire. */
export function toPbOutsidePolicy(policy: OutsidePolicy): Pick<PbTurnPolicy, "channels" | "turnCap" | "onAutomatic" | "ownAddresses" | "onEdit"> {
  const { channels = {}, turnCap, ownAddresses = [] } = policy;
  return {
    channels: Object.fromEntries(Object.entries(channels).map(([channel, it]) => [channel, toPbChannelPolicy(it)])),
    ...(turnCap === undefined ? {} : { turnCap: toPbTurnCap(turnCap) }),
    onAutomatic: PbOnAutomatic[policy.onAutomatic ?? "UNSPECIFIED"],
    ownAddresses: [...ownAddresses],
    onEdit: PbOnEdit[policy.onEdit ?? "UNSPECIFIED"],
  };
}

/** Reads it. */
export function fromPbOutsidePolicy(policy: PbTurnPolicy): OutsidePolicy {
  const { channels, turnCap } = policy;
  return {
    channels: Object.fromEntries(Object.entries(channels).map(([channel, it]) => [channel, fromPbChannelPolicy(it)])),
    ...(turnCap === undefined ? {} : { turnCap: fromPbTurnCap(turnCap) }),
    onAutomatic: policy.onAutomatic === PbOnAutomatic.TURN ? "TURN" : "RECORD",
    ownAddresses: policy.ownAddresses,
    onEdit: policy.onEdit === PbOnEdit.TURN ? "TURN" : "RECORD",
  };
}

/** Writes what a customer does not want. */
export function toPbOptOut(optOut: OptOut | undefined): PbOptOut {
  return OPT_OUTS.find(([, name]) => name === optOut)?.[0] ?? PbOptOut.UNSPECIFIED;
}

/** Writes it by channel. */
export function toPbOptOuts(optOuts: Readonly<Record<string, OptOut>> = {}): Record<string, PbOptOut> {
  return Object.fromEntries(Object.entries(optOuts).map(([channel, it]) => [channel, toPbOptOut(it)]));
}

/** Reads it by channel. */
export function fromPbOptOuts(optOuts: Readonly<Record<string, PbOptOut>>): Record<string, OptOut> {
  return Object.fromEntries(Object.entries(optOuts).map(([channel, it]) => [channel, OPT_OUTS.find(([pb]) => pb === it)?.[1] ?? "none"]));
}

const OPT_OUTS: readonly (readonly [PbOptOut, OptOut])[] = [
  [PbOptOut.NONE, "none"],
  [PbOptOut.PROACTIVE, "proactive"],
  [PbOptOut.ALL, "all"],
];

function toPbChannelPolicy({ expiresAfter, onUndeliverable: then = "nothing" }: ChannelPolicy): PbChannelPolicy {
  const onUndeliverable = (): PbChannelPolicy["onUndeliverable"] => {
    if (then === "nothing") return { case: undefined };
    if (then === "nextChannel") return { case: "nextChannel", value: true };
    return "handOff" in then ? { case: "handOff", value: toPbAssignee(then.handOff) } : { case: "eventType", value: then.event };
  };
  return create(ChannelPolicySchema, {
    ...(expiresAfter === undefined ? {} : { expiresAfter: toPbDuration(expiresAfter) }),
    onUndeliverable: onUndeliverable(),
  });
}

function fromPbChannelPolicy({ expiresAfter, onUndeliverable: then }: PbChannelPolicy): ChannelPolicy {
  const onUndeliverable = (): NonNullable<ChannelPolicy["onUndeliverable"]> => {
    if (then.case === "handOff") return { handOff: fromPbAssignee(then.value) };
    if (then.case === "eventType") return { event: then.value };
    return then.case === "nextChannel" && then.value ? "nextChannel" : "nothing";
  };
  return { ...(expiresAfter === undefined ? {} : { expiresAfter: fromPbDuration(expiresAfter) }), onUndeliverable: onUndeliverable() };
}

function toPbTurnCap({ turns, window, then = "wait" }: TurnCap): PbTurnCap {
  return create(TurnCapSchema, {
    turns,
    ...(window === undefined ? {} : { window: toPbDuration(window) }),
    ...(then === "wait" ? {} : { then: { case: "handOff", value: toPbAssignee(then.handOff) } }),
  });
}

function fromPbTurnCap({ turns, window, then }: PbTurnCap): TurnCap {
  return {
    turns,
    ...(window === undefined ? {} : { window: fromPbDuration(window) }),
    then: then.case === "handOff" ? { handOff: fromPbAssignee(then.value) } : "wait",
  };
}
