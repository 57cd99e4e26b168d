// Durations, payloads, failures and options on their way to the wire.
import { describe, expect, test } from "vitest";
import { ActivityError, ApplicationError, defineActivity, jsonConverter, PayloadError } from "../src/index.js";
import { mergeOptions, toPbActivityOptions } from "../src/activity.js";
import { fromPbDuration, milliseconds, toPbDuration } from "../src/duration.js";
import { cut, failureInfo, toFailure } from "../src/failure.js";

describe("durations", () => {
  test.each([["250ms", 250], ["60s", 60_000], ["1.5m", 90_000], ["2h", 7_200_000], ["7d", 604_800_000], [12.5, 12.5]] as const)("%s is %d ms", (text, ms) => {
    expect(milliseconds(text)).toBe(ms);
    expect(fromPbDuration(toPbDuration(text))).toBe(ms);
  });

  test.each(["", "60", "-1s", "1 s", "s", -1, Number.NaN, Number.POSITIVE_INFINITY])("%s is none", (text) => {
    expect(() => milliseconds(text as number)).toThrow(RangeError);
  });
});

describe("payloads", () => {
  test("are JSON without a content type; undefined is null and empty reads as null", () => {
    const payload = jsonConverter.encode({ a: [1, "ö"], b: undefined });
    expect([new TextDecoder().decode(payload.data), payload.contentType]).toEqual([`{"a":[1,"ö"]}`, ""]);
    expect(jsonConverter.decode(jsonConverter.encode(undefined))).toBeNull();
    expect(jsonConverter.decode({ ...payload, data: new Uint8Array() })).toBeNull();
  });

  test("refuse what JSON cannot hold, what is too big, and other content", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [circle, 1n, () => 1, "x".repeat(3_000_000)]) expect(() => jsonConverter.encode(value)).toThrow(PayloadError);
    const payload = jsonConverter.encode(1);
    expect(() => jsonConverter.decode({ ...payload, contentType: "text/plain" })).toThrow(PayloadError);
    expect(() => jsonConverter.decode({ ...payload, data: new TextEncoder().encode("{") })).toThrow(PayloadError);
  });
});

describe("failures", () => {
  test("carry type, details and causes there and back", () => {
    const error = new ApplicationError("no", { type: "Declined", details: { code: 7 }, retryAfter: "2s", cause: new RangeError("low") });
    expect(failureInfo(toFailure(error, jsonConverter))).toMatchObject({
      kind: "application", type: "Declined", message: "no", details: { code: 7 }, retryAfterMs: 2000, cause: { type: "RangeError", message: "low" },
    });
  });

  test("of a step that nobody caught keep what the step failed with", () => {
    const declined = failureInfo(toFailure(new ApplicationError("no", { type: "Declined" }), jsonConverter));
    const failure = toFailure(new ActivityError("charge", declined, "charge", 3), jsonConverter);
    expect(failure).toMatchObject({ type: "ActivityError", cause: { type: "Declined", message: "no" } });
  });

  test("take no more than eight causes and cut long texts at a character", () => {
    let error: Error = new Error("0");
    for (let i = 1; i < 20; i += 1) error = new Error(String(i), { cause: error });
    let levels = 0;
    for (let it = toFailure(error, jsonConverter).cause; it !== undefined; it = it.cause) levels += 1;
    expect(levels).toBe(8);
    expect(Buffer.byteLength(cut("ö".repeat(10_000), 16_383))).toBe(16_382);
    expect(toFailure("just text", jsonConverter).message).toBe("just text");
  });

  test("are written whatever was thrown", () => {
    expect(toFailure(undefined, jsonConverter)).toMatchObject({ type: "Error", message: "undefined" });
    expect(toFailure(Object.assign(Object.create(null), { big: 1n }), jsonConverter).message).toContain("cannot be described");
    const wrong = new ApplicationError("no", { type: "Declined", retryAfter: -1, details: 1n });
    expect(toFailure(wrong, jsonConverter)).toMatchObject({ type: "Declined", message: "no" });
    expect(failureInfo(toFailure(wrong, jsonConverter))).toMatchObject({ retryAfterMs: undefined, details: expect.stringContaining("details lost") as unknown });
  });

  test("leave details out that do not fit into a message together", () => {
    const details = "x".repeat(1_500_000);
    const failure = toFailure(new ApplicationError("outer", { details, cause: new ApplicationError("inner", { details }) }), jsonConverter);
    expect([failure.details, failure.cause?.details?.data.length]).toEqual([undefined, 1_500_002]);
  });
});

describe("activity options", () => {
  test("of a call go over those of the activity, retries one by one", () => {
    const { options } = defineActivity("a", { taskQueue: "q", retry: { initialInterval: "1s", maximumAttempts: 3 } });
    const merged = mergeOptions(options, { priority: 2, retry: { maximumAttempts: 1 } });
    expect(merged).toEqual({ taskQueue: "q", priority: 2, retry: { initialInterval: "1s", maximumAttempts: 1 } });
    expect(toPbActivityOptions(merged)).toMatchObject({ taskQueue: "q", priority: 2, retryPolicy: { maximumAttempts: 1, initialInterval: { seconds: 1n } } });
  });

  test("out of range are refused where they are written", () => {
    expect(() => defineActivity("a", { priority: 10 })).toThrow(RangeError);
    expect(() => defineActivity("")).toThrow(RangeError);
    expect(() => defineActivity("a", { startToCloseTimeout: "1x" as "1s" })).toThrow(RangeError);
  });
});
