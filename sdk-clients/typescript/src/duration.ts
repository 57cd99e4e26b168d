/** Durations: how the SDK lets them be written and what the wire wants. */

import { create } from "@bufbuild/protobuf";
import { type Duration as PbDuration, DurationSchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";

/** A number with a unit: `"250ms"`, `"60s"`, `"1.5m"`, `"2h"`, `"7d"`. */
export type DurationText = `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A length of time: a text with a unit, or a number of milliseconds. Never negative. */
export type Duration = number | DurationText;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads a duration as milliseconds.
 *
 * @throws RangeError if it is negative, not finite or not a duration.
 */
export function milliseconds(duration: Duration): number {
  let value = Number.NaN;
  if (typeof duration === "number") {
    value = duration;
  } else {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration);
    if (match) value = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  }
  if (!(value >= 0 && value < Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`not a duration: ${JSON.stringify(duration)}; write "250ms", "60s", "5m", "2h", "7d" or milliseconds`);
  }
  return value;
}

/** Writes a duration for the wire. */
export function toPbDuration(duration: Duration): PbDuration {
  const nanos = Math.round(milliseconds(duration) * 1e6);
  const seconds = Math.floor(nanos / 1e9);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: nanos - seconds * 1e9 });
}

/** Reads a duration of the wire as milliseconds; absent reads as 0. */
export function fromPbDuration(duration: PbDuration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** Reads a time of the wire as milliseconds since 1970, cut to whole ones; absent reads as 0. */
export function fromPbTime(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);
}

/** Reads a time of the wire as a date, if it is there. */
export function toDate(time: Timestamp | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(fromPbTime(time));
}

/** Writes milliseconds since 1970 for the wire. */
export function toPbTime(timeMs: number): Timestamp {
  const seconds = Math.floor(timeMs / 1000);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: Math.round((timeMs - seconds * 1000) * 1e6) });
}
