// JSON that says what it cannot carry.
import { describe, expect, test } from "vitest";
import { jsonConverter, PayloadError } from "../src/index.js";

const travel = (value: unknown): unknown => jsonConverter.decode(jsonConverter.encode(value));
const text = (value: string) => ({ $typeName: "everturn.v1.Payload" as const, data: new TextEncoder().encode(value), contentType: "" });

describe("what JSON would drop or change throws, with its path", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  test.each<[unknown, string]>([
    [{ total: Number.NaN }, "args.total: NaN is not JSON"],
    [[1, Number.POSITIVE_INFINITY], "args[1]: Infinity is not JSON"],
    [{ a: [{ b: -0 }] }, "args.a[0].b: -0 is not JSON"],
    [{ m: new Map([[1, 2]]) }, "args.m: Map is not JSON; use Object.fromEntries"],
    [new Set([1]), "args: Set is not JSON; use an array"],
    [{ e: new Error("x") }, "args.e: Error is not JSON"],
    [{ [Symbol("s")]: 1 }, "args: a symbol as a key is not JSON"],
    [{ s: Symbol("s") }, "args.s: a symbol is not JSON"],
    [[undefined], "args[0]: undefined is not JSON"],
     
    [[, 1], "args[0]: undefined is not JSON"],
    [{ f: () => 1 }, "args.f: a function is not JSON"],
    [{ t: "a\ud800" }, "args.t: a string with a lone surrogate"],
    [{ "\udc00": 1 }, "args: a key with a lone surrogate"],
    [{ b: new Uint8Array(2) }, "args.b: bytes is not JSON; bytes travel as a whole payload"],
    [{ n: 10n }, "args.n: a bigint (10n) is not JSON"],
    [{ n: 2 ** 53 }, "args.n: 9007199254740992 is an integer beyond"],
    [{ d: new Date(Number.NaN) }, "args.d: an invalid Date is not JSON"],
    [{ r: /x/ }, "args.r: RegExp is not JSON"],
    [{ p: Promise.resolve(1) }, "args.p: Promise is not JSON"],
    [cyclic, "is nested deeper than 512 levels, or holds itself"],
  ])("%o", (value, problem) => {
    expect(() => jsonConverter.encode(value, "args")).toThrow(PayloadError);
    expect(() => jsonConverter.encode(value, "args")).toThrow(problem);
  });
});

describe("what passes arrives as it left", () => {
  test.each<[unknown]>([
    [null], [true], [""], ["é 🛒 \u0000 \u2028"], [0], [-1.5], [1e-7], [Number.MAX_SAFE_INTEGER], [Number.MIN_SAFE_INTEGER], [1.7e308], [5e-324],
    [[]], [{}], [{ a: [1, { b: null }] }], [JSON.parse('{"__proto__":1}')],
  ])("%o", (value) => {
    expect(travel(value)).toEqual(value);
  });

  test("objects are written as JSON does: own properties, toJSON, undefined left out", () => {
    class Order {
      readonly id = 7;
      readonly note = undefined;
      total(): number { return 1; }
    }
    expect(travel(new Order())).toEqual({ id: 7 });
    expect(travel({ at: new Date(0), money: { toJSON: () => "5 EUR" } })).toEqual({ at: "1970-01-01T00:00:00.000Z", money: "5 EUR" });
    expect(travel(undefined)).toBeNull();
  });

  test("bytes are a payload of their own, also none", () => {
    for (const bytes of [new Uint8Array([0, 255, 10]), new Uint8Array(), Buffer.from("x")]) {
      expect(travel(bytes)).toEqual(Uint8Array.from(bytes));
    }
    expect(jsonConverter.encode(new Uint8Array(1)).contentType).toBe("application/octet-stream");
  });

  test("an integer that would be rounded is refused when it comes", () => {
    for (const rounded of ["1180591620717411303424", '{"a":[9007199254740993]}', "-9007199254740992"]) {
      expect(() => jsonConverter.decode(text(rounded))).toThrow("cannot be read without rounding it");
    }
    expect(jsonConverter.decode(text('{"id":"9007199254740993","n":9007199254740991,"f":1.23456789012345678,"e":1e21}'))).toEqual({ id: "9007199254740993", n: 9007199254740991, f: 1.2345678901234568, e: 1e21 });
  });
});
