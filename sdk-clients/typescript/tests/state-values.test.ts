/** What a worker keeps of the states of conversations. */

import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { PayloadSchema } from "../src/gen/everturn/v1/payload_pb.js";
import { type TurnInput, TurnInputSchema } from "../src/gen/everturn/v1/turn_pb.js";
import { StateValues } from "../src/worker/state-values.js";

function turn(state: Record<string, string>, stateVersions: Record<string, bigint>, conversationId = "jo"): TurnInput {
  const entries = Object.entries(state).map(([name, text]) => [name, create(PayloadSchema, { data: new TextEncoder().encode(text) })]);
  return create(TurnInputSchema, { conversationId, stateVersions, state: Object.fromEntries(entries) as TurnInput["state"] });
}

function texts({ state }: TurnInput): Record<string, string> {
  return Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, new TextDecoder().decode(data)]));
}

describe("values of states", () => {
  it("are put into turns that left them out", () => {
    const values = new StateValues(10_000);
    expect(values.complete(turn({ cart: "three", notes: "long" }, { cart: 1n, notes: 2n }))).toBe(true);
    const next = turn({ cart: "four", small: "s" }, { cart: 3n, notes: 2n });
    expect(values.complete(next)).toBe(true);
    expect(texts(next)).toEqual({ cart: "four", notes: "long", small: "s" });
  });

  it("are missed when they were never sent, under that version and for that conversation", () => {
    const values = new StateValues(10_000);
    values.complete(turn({ cart: "three" }, { cart: 1n }));
    expect(values.complete(turn({}, { cart: 2n }))).toBe(false);
    expect(values.complete(turn({}, { cart: 1n }, "kim"))).toBe(false);
  });

  it("are let go of once there are too many, the longest unused first", () => {
    const values = new StateValues(3 * 300);
    for (const [index, name] of ["a", "b", "c"].entries()) values.complete(turn({ [name]: name }, { [name]: BigInt(index) }));
    expect(values.complete(turn({}, { a: 0n }))).toBe(true);
    values.complete(turn({ d: "d" }, { d: 3n }));
    expect(values.complete(turn({}, { a: 0n, c: 2n, d: 3n }))).toBe(true);
    expect(values.complete(turn({}, { b: 1n }))).toBe(false);
  });

  it("are used before new ones push them out", () => {
    const values = new StateValues(300);
    values.complete(turn({ a: "a" }, { a: 1n }));
    const next = turn({ b: "b" }, { b: 2n, a: 1n });
    expect(values.complete(next)).toBe(true);
    expect(texts(next)).toEqual({ a: "a", b: "b" });
  });

  it("may have any name, and keep nothing else in memory", () => {
    const values = new StateValues(10_000);
    const whole = new Uint8Array(1_000);
    const first = create(TurnInputSchema, { conversationId: "jo", stateVersions: { constructor: 1n } });
    Object.assign(first.state, { constructor: create(PayloadSchema, { data: whole.subarray(0, 10) }) });
    expect(values.complete(first)).toBe(true);
    const next = turn({}, { constructor: 1n });
    expect(values.complete(next)).toBe(true);
    expect(Object.entries(next.state)[0]?.[1].data.buffer.byteLength).toBe(10);
  });
});
