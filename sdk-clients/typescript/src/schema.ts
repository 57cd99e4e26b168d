/** Schemas: what reads and checks a value where it arrives. */

import { PayloadError } from "./errors.js";

/**
 * Reads a value that came as JSON and gives it its type; throws if it is none. A schema of zod is one;
 * of valibot, `v.parser(schema)`. It may convert: `z.coerce.date()` gives a `Date` again. In the code
 * of a run it must be pure.
 */
export type Schema<T> = { parse(value: unknown): T } | ((value: unknown) => T);

/**
 * Reads a value by a schema, if there is one.
 *
 * @param what What the value is (`"args"`, `"result"`), for the error.
 * @throws PayloadError if it does not fit.
 */
export function parsed<T>(schema: Schema<T> | undefined, value: unknown, what: string): T {
  if (schema === undefined) return value as T;
  try {
    return typeof schema === "function" ? schema(value) : schema.parse(value);
  } catch (cause) {
    throw new PayloadError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
