/** Details of an error status: `google.rpc.Status` from the trailer `grpc-status-details-bin`. */

import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { FieldViolation } from "../errors.js";

/** What the details say. */
export interface StatusDetails {
  /** ErrorInfo.reason; empty if there is none. */
  readonly reason: string;
  /** ErrorInfo.metadata, and the subject of a QuotaFailure as `limit`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** BadRequest.field_violations. */
  readonly fieldViolations: readonly FieldViolation[];
  /** RetryInfo.retry_delay in milliseconds. */
  readonly retryDelayMs: number | undefined;
}

const PREFIX = "type.googleapis.com/google.rpc.";

/** Reads the details; what is unknown is left out. */
export function readStatusDetails(bytes: Uint8Array): StatusDetails {
  let reason = "";
  let retryDelayMs: number | undefined;
  const metadata: Record<string, string> = {};
  const fieldViolations: FieldViolation[] = [];
  // google.rpc.Status: code = 1, message = 2, details = 3 (Any: type_url = 1, value = 2).
  for (const detail of fieldsOf(bytes, 3)) {
    const type = text(first(detail, 1));
    const value = first(detail, 2) ?? new Uint8Array();
    switch (type) {
      case `${PREFIX}ErrorInfo`:
        reason = text(first(value, 1));
        for (const entry of fieldsOf(value, 3)) metadata[text(first(entry, 1))] = text(first(entry, 2));
        break;
      case `${PREFIX}BadRequest`:
        for (const violation of fieldsOf(value, 1)) {
          fieldViolations.push({ field: text(first(violation, 1)), description: text(first(violation, 2)) });
        }
        break;
      case `${PREFIX}QuotaFailure`: {
        const violation = first(value, 1);
        if (violation !== undefined) metadata["limit"] ??= text(first(violation, 1));
        break;
      }
      case `${PREFIX}RetryInfo`:
        retryDelayMs = durationMs(first(value, 1) ?? new Uint8Array());
        break;
      default:
    }
  }
  return { reason, metadata, fieldViolations, retryDelayMs };
}

const decoder = new TextDecoder();

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : decoder.decode(bytes);
}

function first(bytes: Uint8Array, field: number): Uint8Array | undefined {
  return fieldsOf(bytes, field)[0];
}

/** The values of a field of bytes, text or messages. */
function fieldsOf(bytes: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field && (wireType as number) === 2) values.push(reader.bytes());
    else reader.skip(wireType, number);
  }
  return values;
}

function durationMs(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let ms = 0;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1) ms += Number(reader.int64()) * 1000;
    else if (number === 2) ms += reader.int32() / 1e6;
    else reader.skip(wireType, number);
  }
  return ms;
}
