// Settings of the turn policy.
import { expect, test } from "vitest";
import { readPolicy } from "../src/policy.js";

test("agents let people sleep, and ask before they spend much", () => {
  expect(readPolicy({})).toMatchObject({
    onBusy: "INTERRUPT",
    quietHours: { timeZone: "Europe/London", start: "21:00", end: "08:00" },
    budget: { costMicros: 500_000, tokens: 50_000, currency: "GBP" },
  });
});

test("quiet hours and budget are set", () => {
  const env = { SUPPORT_QUIET_HOURS: "23:30-06:00", SUPPORT_BUDGET_GBP: "2", SUPPORT_BUDGET_TOKENS: "0" };
  expect(readPolicy(env)).toMatchObject({
    quietHours: { timeZone: "UTC", start: "23:30", end: "06:00" },
    budget: { costMicros: 2_000_000, tokens: 0, currency: "GBP" },
  });
});

test("both can be turned off", () => {
  const policy = readPolicy({ SUPPORT_QUIET_HOURS: "none", SUPPORT_BUDGET_GBP: "0", SUPPORT_BUDGET_TOKENS: "0" });
  expect(policy).not.toHaveProperty("quietHours");
  expect(policy).not.toHaveProperty("budget");
});

test.each([
  ["SUPPORT_QUIET_HOURS", "at night"],
  ["SUPPORT_QUIET_HOURS", "25:00-08:00"],
  ["SUPPORT_QUIET_HOURS", "21:00"],
  ["SUPPORT_QUIET_HOURS", "21:00-08:60 UTC"],
  ["SUPPORT_BUDGET_GBP", "-1"],
  ["SUPPORT_BUDGET_TOKENS", "many"],
])("%s cannot be %s", (name, text) => {
  expect(() => readPolicy({ [name]: text })).toThrow(name);
});
