/** The turn policy of new conversations: how messages become turns, when agents write first, what it may cost. */

import type { Budget, ClockTime, QuietHours, TurnPolicy } from "everturn";

/** Agents report costs in it; as in `usage.py`. */
const CURRENCY = "GBP";
const QUIET_HOURS = "21:00-08:00 Europe/London";
const NO_QUIET_HOURS = "none";

/**
 * Reads SUPPORT_QUIET_HOURS (default "21:00-08:00 Europe/London", UTC without a zone; or "none"),
 * SUPPORT_BUDGET_GBP (default 0.50) and SUPPORT_BUDGET_TOKENS (default 50000).
 *
 * Conversations open with it. One that is open keeps its own, until `everturn conversation update`
 * or `client.conversations.update` changes it.
 *
 * @throws RangeError if one cannot be used; says which.
 */
export function readPolicy(env: Record<string, string | undefined>): TurnPolicy {
  const quietHours = readQuietHours(env);
  const budget = readBudget(env);
  return {
    // A burst is one turn, and newer words supersede an answer that is not out yet.
    debounce: { quiet: "1s", maxWait: "10s" },
    onBusy: "INTERRUPT",
    interruptGrace: "5s",
    // Agents that write first do so now and then, and let people sleep.
    frequencyCap: { maxMessages: 3, window: "1d" },
    ...(quietHours === undefined ? {} : { quietHours }),
    ...(budget === undefined ? {} : { budget }),
  };
}

function readQuietHours(env: Record<string, string | undefined>): QuietHours | undefined {
  const text = env["SUPPORT_QUIET_HOURS"] || QUIET_HOURS;
  if (text === NO_QUIET_HOURS) return undefined;
  const found = /^([01]\d:[0-5]\d|2[0-3]:[0-5]\d)-([01]\d:[0-5]\d|2[0-3]:[0-5]\d)(?: (\S+))?$/.exec(text);
  if (found === null) throw new RangeError(`SUPPORT_QUIET_HOURS must be like "${QUIET_HOURS}", or "${NO_QUIET_HOURS}", found "${text}"`);
  const [, start, end, timeZone = "UTC"] = found;
  return { timeZone, start: start as ClockTime, end: end as ClockTime };
}

/** What a conversation may use before a person is asked; 0 is no bound. */
function readBudget(env: Record<string, string | undefined>): Budget | undefined {
  const costMicros = Math.round(amount(env, "SUPPORT_BUDGET_GBP", 0.5) * 1e6);
  const tokens = Math.round(amount(env, "SUPPORT_BUDGET_TOKENS", 50_000));
  return costMicros === 0 && tokens === 0 ? undefined : { costMicros, tokens, currency: CURRENCY };
}

function amount(env: Record<string, string | undefined>, name: string, fallback: number): number {
  const text = env[name] ?? "";
  const value = text === "" ? fallback : Number(text);
  if (!(value >= 0 && value <= 1e9)) throw new RangeError(`${name} must be a number from 0 to a billion, found "${text}"`);
  return value;
}
