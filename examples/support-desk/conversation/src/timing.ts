/** How long the conversation waits for a customer. */

/** Waits of the conversation, in milliseconds. */
export interface Timing {
  /** Silence after a question until the customer is reminded. */
  remindAfterMs: number;
  /** Silence after the reminder until the conversation says goodbye. */
  giveUpAfterMs: number;
}

/**
 * Reads SUPPORT_REMIND_AFTER_S (default 120) and SUPPORT_GIVE_UP_AFTER_S (default 600).
 *
 * A wait that has begun keeps its length when the settings change: it is in the journal.
 *
 * @throws RangeError if one is not a number of seconds from 0 to a year.
 */
export function readTiming(env: Record<string, string | undefined>): Timing {
  return {
    remindAfterMs: seconds(env, "SUPPORT_REMIND_AFTER_S", 120) * 1000,
    giveUpAfterMs: seconds(env, "SUPPORT_GIVE_UP_AFTER_S", 600) * 1000,
  };
}

function seconds(env: Record<string, string | undefined>, name: string, fallback: number): number {
  const text = env[name] ?? "";
  const value = text === "" ? fallback : Number(text);
  if (!(value >= 0 && value <= 365 * 86_400)) {
    throw new RangeError(`${name} must be a number of seconds, found "${text}"`);
  }
  return value;
}
