/** Payloads: how values become bytes and back. */

import { PayloadError } from "./errors.js";
import type { Payload } from "./gen/everturn/v1/payload_pb.js";

/** Most bytes of one payload. */
export const PAYLOAD_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Writes and reads values. Both methods must be pure and give the same for the same; they throw
 * `PayloadError` for what they cannot convert.
 */
export interface PayloadConverter {
  /** Writes a value. `undefined` is written as `null`. */
  encode(value: unknown): Payload;
  /** Reads a value. */
  decode(payload: Payload): unknown;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The default: JSON. An empty payload reads as `null`. */
export const jsonConverter: PayloadConverter = {
  encode(value) {
    let text: string | undefined;
    try {
      text = JSON.stringify(value ?? null);
    } catch (error) {
      throw new PayloadError(`cannot write the value as JSON: ${String(error)}`);
    }
    // A function or symbol has no JSON; TypeScript does not say so.
    if ((text as string | undefined) === undefined) {
      throw new PayloadError(`cannot write a ${typeof value} as JSON`);
    }
    const data = encoder.encode(text);
    if (data.length > PAYLOAD_BYTES_MAX) {
      throw new PayloadError(`the value has ${String(data.length)} bytes; a payload holds at most ${String(PAYLOAD_BYTES_MAX)}`);
    }
    return { $typeName: "everturn.v1.Payload", data, contentType: "" };
  },

  decode(payload) {
    if (payload.contentType !== "" && payload.contentType !== "application/json") {
      throw new PayloadError(`content type "${payload.contentType}" is not application/json`);
    }
    if (payload.data.length === 0) return null;
    try {
      return JSON.parse(decoder.decode(payload.data)) as unknown;
    } catch (error) {
      throw new PayloadError(`the payload is not JSON: ${String(error)}`);
    }
  },
};

/**
 * Writes what goes to the coordinator at once. A converter of the user may know no bound; what is over
 * it would end the stream of the whole worker.
 *
 * @throws PayloadError if the value cannot be written or is too big.
 */
export function encodeBounded(converter: PayloadConverter, value: unknown): Payload {
  const payload = converter.encode(value);
  const { length } = payload.data;
  if (length > PAYLOAD_BYTES_MAX) throw new PayloadError(`the value has ${String(length)} bytes; a payload holds at most ${String(PAYLOAD_BYTES_MAX)}`);
  return payload;
}

/** Reads a payload that may be absent; absent reads as `undefined`. */
export function decodeOptional(converter: PayloadConverter, payload: Payload | undefined): unknown {
  return payload === undefined ? undefined : converter.decode(payload);
}
