// Settings of the waits.
import { expect, test } from "vitest";
import { readTiming } from "../src/timing.js";

test("waits have defaults", () => {
  expect(readTiming({})).toEqual({ remindAfterMs: 120_000, giveUpAfterMs: 600_000 });
});

test("waits are read in seconds", () => {
  expect(readTiming({ SUPPORT_REMIND_AFTER_S: "9", SUPPORT_GIVE_UP_AFTER_S: "0.5" })).toEqual({ remindAfterMs: 9_000, giveUpAfterMs: 500 });
});

test.each(["soon", "-1", "Infinity", "99999999999"])("%s is no wait", (text) => {
  expect(() => readTiming({ SUPPORT_REMIND_AFTER_S: text })).toThrow("SUPPORT_REMIND_AFTER_S");
});
