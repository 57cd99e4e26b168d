/**
 * JSON that says what it cannot carry. `JSON.stringify` drops or changes many values without a word; here
 * they throw, with the path to them. What passes arrives as it left.
 */

import { PayloadError } from "./errors.js";

/** Numbers from here on are written with an exponent, and read as what they are in every language. */
const EXPONENT_FROM = 1e21;
/** Deepest nesting: what is deeper is most likely a circle that `toJSON` hides. */
const DEPTH_MAX = 512;

/**
 * Writes a value as JSON. `undefined` is written as `null`, and left out as the value of a property, as
 * JSON does; own properties and `toJSON` count.
 *
 * @param what What the value is, for the path in an error.
 * @throws PayloadError for what JSON would drop or change.
 */
export function toJson(value: unknown, what = "value"): string {
  check(value ?? null, { name: what, parent: undefined }, 0);
  try {
    return JSON.stringify(value ?? null);
  } catch (error) {
    throw new PayloadError(`${what} cannot be written as JSON: ${String(error)}`);
  }
}

/**
 * Reads JSON.
 *
 * @throws SyntaxError if it is none; PayloadError for an integer that JavaScript would round.
 */
export function fromJson(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  if (LONG_NUMBER.test(text)) refuseRounding(text);
  return value;
}

const LONG_NUMBER = /\d{16}/;
/** Strings, to be skipped, and numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function refuseRounding(text: string): void {
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith('"') || token.length < 16 || /[.eE]/.test(token)) continue;
    if (!Number.isSafeInteger(Number(token))) {
      throw new PayloadError(`${token} is beyond ±2^53−1: it cannot be read without rounding it; send it as a string`);
    }
  }
}

interface Path {
  readonly name: string;
  readonly parent: Path | undefined;
}

function check(value: unknown, path: Path, depth: number): void {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw refusal(path, "a string with a lone surrogate is not Unicode text");
      return;
    case "number":
      checkNumber(value, path);
      return;
    case "boolean":
      return;
    case "object":
      if (value !== null) checkObject(value, path, depth);
      return;
    case "bigint":
      throw refusal(path, `a bigint (${String(value)}n) is not JSON; send it as a string`);
    case "undefined":
      throw refusal(path, "undefined is not JSON; use null");
    default:
      throw refusal(path, `a ${typeof value} is not JSON`);
  }
}

function checkNumber(value: number, path: Path): void {
  if (!Number.isFinite(value)) throw refusal(path, `${String(value)} is not JSON`);
  if (Object.is(value, -0)) throw refusal(path, "-0 is not JSON: it would arrive as 0");
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < EXPONENT_FROM) {
    throw refusal(path, `${String(value)} is an integer beyond ±2^53−1, which would be rounded; send it as a string`);
  }
}

function checkObject(value: object, path: Path, depth: number): void {
  if (depth > DEPTH_MAX) throw refusal(path, `the value is nested deeper than ${String(DEPTH_MAX)} levels, or holds itself`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      check(value[index], { name: `[${String(index)}]`, parent: path }, depth + 1);
    }
    return;
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") {
    if (value instanceof Date && Number.isNaN(value.getTime())) throw refusal(path, "an invalid Date is not JSON");
    const made: unknown = toJSON.call(value, path.name);
    if (made === value) checkMembers(value, path, depth);
    else check(made, path, depth + 1);
    return;
  }
  const kind = kindOf(value);
  if (kind !== undefined) throw refusal(path, `${kind} is not JSON${ADVICE[kind] ?? ""}`);
  checkMembers(value, path, depth);
}

function checkMembers(value: object, path: Path, depth: number): void {
  if (Object.getOwnPropertySymbols(value).length > 0) throw refusal(path, "a symbol as a key is not JSON");
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed()) throw refusal(path, "a key with a lone surrogate is not Unicode text");
    const member = (value as Record<string, unknown>)[key];
    // Left out, as JSON does: whoever reads it finds `undefined` again.
    if (member !== undefined) check(member, { name: `.${key}`, parent: path }, depth + 1);
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  Map: "; use Object.fromEntries",
  Set: "; use an array",
  Error: "; use its message",
  bytes: "; bytes travel as a whole payload, or as base64 within one",
};

/** The name of an object that JSON would change: one with content that is in no property. */
function kindOf(value: object): string | undefined {
  if (value instanceof Map) return "Map";
  if (value instanceof Set) return "Set";
  if (value instanceof Error) return "Error";
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return "bytes";
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return tag === "Object" || tag === "Arguments" ? undefined : tag;
}

function refusal(path: Path, problem: string): PayloadError {
  let text = "";
  for (let at: Path | undefined = path; at !== undefined; at = at.parent) text = at.name + text;
  return new PayloadError(`${text}: ${problem}`);
}
