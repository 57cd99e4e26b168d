/** Payloads: how values become bytes and back. */

import { PayloadError } from "./errors.js";
import type { Payload } from "./gen/everturn/v1/payload_pb.js";
import { fromJson, toJson } from "./json.js";
import { PAYLOAD_BYTES } from "./rules.js";

/** Most bytes of one payload. */
export const PAYLOAD_BYTES_MAX = PAYLOAD_BYTES;

/**
 * Writes and reads values. Both methods must be pure and give the same for the same; they throw
 * `PayloadError` for what they cannot convert.
 */
export interface PayloadConverter {
  /**
   * Writes a value. `undefined` is written as `null`.
   *
   * @param what What the value is (`"args"`, `"result"`), for the path in an error.
   */
  encode(value: unknown, what?: string): Payload;
  /** Reads a value. */
  decode(payload: Payload): unknown;
}

/** Content type of a payload that is nothing but bytes: `Uint8Array` here, `bytes` in Python. */
export const BYTES_CONTENT_TYPE = "application/octet-stream";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The default: JSON, and a `Uint8Array` as it is. What JSON would drop or change throws, with the path
 * to it. An empty payload reads as `null`.
 */
export const jsonConverter: PayloadConverter = {
  encode(value, what) {
    if (value instanceof Uint8Array) return bounded(Uint8Array.from(value), BYTES_CONTENT_TYPE);
    return bounded(encoder.encode(toJson(value, what)), "");
  },

  decode({ contentType, data }) {
    if (contentType === BYTES_CONTENT_TYPE) return Uint8Array.from(data);
    if (contentType !== "" && contentType !== "application/json") {
      throw new PayloadError(`content type "${contentType}" is not application/json`);
    }
    if (data.length === 0) return null;
    try {
      return fromJson(decoder.decode(data));
    } catch (error) {
      throw error instanceof PayloadError ? error : new PayloadError(`the payload is not JSON: ${String(error)}`);
    }
  },
};

function bounded(data: Uint8Array, contentType: string): Payload {
  if (data.length > PAYLOAD_BYTES_MAX) {
    throw new PayloadError(`the value has ${String(data.length)} bytes; a payload holds at most ${String(PAYLOAD_BYTES_MAX)}`);
  }
  return { $typeName: "everturn.v1.Payload", data, contentType };
}

/**
 * Writes what goes to the coordinator at once. A converter of the user may know no bound; what is over
 * it would end the stream of the whole worker.
 *
 * @throws PayloadError if the value cannot be written or is too big.
 */
export function encodeBounded(converter: PayloadConverter, value: unknown, what?: string): Payload {
  const payload = converter.encode(value, what);
  const { length } = payload.data;
  if (length > PAYLOAD_BYTES_MAX) throw new PayloadError(`the value has ${String(length)} bytes; a payload holds at most ${String(PAYLOAD_BYTES_MAX)}`);
  return payload;
}

/** Reads a payload that may be absent; absent reads as `undefined`. */
export function decodeOptional(converter: PayloadConverter, payload: Payload | undefined): unknown {
  return payload === undefined ? undefined : converter.decode(payload);
}
