/** Failures: errors of user code on their way to the wire and back. */

import { create } from "@bufbuild/protobuf";
import { type Duration, fromPbDuration, toPbDuration } from "./duration.js";
import { ApplicationError, CanceledError, PayloadError, StepError } from "./errors.js";
import type { Payload } from "./gen/everturn/v1/payload_pb.js";
import { type Failure, FailureKind, FailureSchema } from "./gen/everturn/v1/failure_pb.js";
import { jsonConverter, PAYLOAD_BYTES_MAX, type PayloadConverter } from "./payload.js";

/** What kind of event ended an attempt or a run. */
export type FailureKindName = "application" | "timeout" | "canceled" | "terminated" | "worker lost";

/** Why an attempt or a run did not succeed. */
export interface FailureInfo {
  /** What kind of event this was. */
  readonly kind: FailureKindName;
  /** Name of the error, as user code knows it; for a timeout which one (`"StartToClose"`). */
  readonly type: string;
  /** Text for people. */
  readonly message: string;
  /** Stack trace of the worker's language; empty if there is none. */
  readonly stackTrace: string;
  /** User data that travels with the failure; `undefined` if there is none. */
  readonly details: unknown;
  /** True: no further attempt was to be made. */
  readonly nonRetryable: boolean;
  /** Earliest time until the next attempt, in milliseconds, if the failure said so. */
  readonly retryAfterMs: number | undefined;
  /** The failure that caused this one. */
  readonly cause: FailureInfo | undefined;
}

const TYPE_BYTES_MAX = 256;
const MESSAGE_BYTES_MAX = 16 * 1024;
const STACK_BYTES_MAX = 32 * 1024;
const CAUSES_MAX = 8;

const KIND_NAMES: Readonly<Partial<Record<FailureKind, FailureKindName>>> = {
  [FailureKind.UNSPECIFIED]: "application",
  [FailureKind.APPLICATION]: "application",
  [FailureKind.TIMEOUT]: "timeout",
  [FailureKind.CANCELED]: "canceled",
  [FailureKind.TERMINATED]: "terminated",
  [FailureKind.WORKER_LOST]: "worker lost",
};

const KINDS: Readonly<Record<FailureKindName, FailureKind>> = {
  application: FailureKind.APPLICATION,
  timeout: FailureKind.TIMEOUT,
  canceled: FailureKind.CANCELED,
  terminated: FailureKind.TERMINATED,
  "worker lost": FailureKind.WORKER_LOST,
};

/** Makes a failure without an error behind it. */
export function plainFailure(kind: FailureKind, type: string, message: string, nonRetryable = false): Failure {
  return create(FailureSchema, {
    kind,
    type: cut(type, TYPE_BYTES_MAX),
    message: cut(message, MESSAGE_BYTES_MAX),
    nonRetryable,
  });
}

/**
 * Writes what user code threw as a failure, causes included. Never throws: whatever cannot be written
 * is left out, because a failure that is not reported leaves its step waiting.
 */
export function toFailure(error: unknown, converter: PayloadConverter): Failure {
  try {
    return withinLimit(level(error, converter, 0));
  } catch {
    return plainFailure(FailureKind.APPLICATION, "Error", "<what was thrown cannot be described>");
  }
}

/** Reads a failure; details that cannot be read are left out. */
export function failureInfo(failure: Failure, converter: PayloadConverter = jsonConverter): FailureInfo {
  let details: unknown;
  if (failure.details !== undefined) {
    try {
      details = converter.decode(failure.details);
    } catch {
      details = undefined;
    }
  }
  return {
    // A kind of a newer server reads as what it is closest to.
    kind: KIND_NAMES[failure.kind] ?? "application",
    type: failure.type,
    message: failure.message,
    stackTrace: failure.stackTrace,
    details,
    nonRetryable: failure.nonRetryable,
    retryAfterMs: failure.retryAfter === undefined ? undefined : fromPbDuration(failure.retryAfter),
    cause: failure.cause === undefined ? undefined : failureInfo(failure.cause, converter),
  };
}

/** Reads a failure that may be absent. */
export function optionalFailureInfo(failure: Failure | undefined): FailureInfo | undefined {
  return failure === undefined ? undefined : failureInfo(failure);
}

/** Cuts a text to a number of bytes, at a character. */
export function cut(text: string, bytesMax: number): string {
  // A character takes at most three bytes per UTF-16 unit.
  if (text.length * 3 <= bytesMax) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

function level(error: unknown, converter: PayloadConverter, depth: number): Failure {
  const failure = create(FailureSchema, { kind: FailureKind.APPLICATION });
  if (!(error instanceof Error)) {
    failure.type = "Error";
    failure.message = cut(describe(error), MESSAGE_BYTES_MAX);
    return failure;
  }
  failure.type = cut(error instanceof ApplicationError ? error.type : nameOf(error), TYPE_BYTES_MAX);
  failure.message = cut(error.message, MESSAGE_BYTES_MAX);
  failure.stackTrace = cut(error.stack ?? "", STACK_BYTES_MAX);
  if (error instanceof CanceledError) failure.kind = FailureKind.CANCELED;
  if (error instanceof PayloadError) failure.nonRetryable = true;
  if (error instanceof ApplicationError) {
    failure.nonRetryable = error.nonRetryable;
    const retryAfter = optionalDuration(error.retryAfter);
    if (retryAfter !== undefined) failure.retryAfter = retryAfter;
    if (error.details !== undefined) failure.details = written(error.details, converter);
  }
  if (depth < CAUSES_MAX) {
    if (error instanceof StepError) failure.cause = fromInfo(error.failure, converter, depth + 1);
    else if (error.cause !== undefined) failure.cause = level(error.cause, converter, depth + 1);
  }
  return failure;
}

function fromInfo(info: FailureInfo, converter: PayloadConverter, depth: number): Failure {
  const failure = plainFailure(KINDS[info.kind], info.type, info.message, info.nonRetryable);
  failure.stackTrace = cut(info.stackTrace, STACK_BYTES_MAX);
  if (info.details !== undefined) failure.details = written(info.details, converter);
  if (info.cause !== undefined && depth < CAUSES_MAX) failure.cause = fromInfo(info.cause, converter, depth + 1);
  return failure;
}

/** Writes details; losing them is better than losing the failure. */
function written(details: unknown, converter: PayloadConverter): Payload {
  try {
    return converter.encode(details);
  } catch (error) {
    return converter.encode(`<details lost: ${error instanceof Error ? error.message : String(error)}>`);
  }
}

function optionalDuration(duration: Duration | undefined): ReturnType<typeof toPbDuration> | undefined {
  try {
    return duration === undefined ? undefined : toPbDuration(duration);
  } catch {
    return undefined;
  }
}

/** Leaves out details, those of the outermost errors first, that are too big for a message together. */
function withinLimit(failure: Failure): Failure {
  let bytes = 0;
  for (let it: Failure | undefined = failure; it !== undefined; it = it.cause) bytes += it.details?.data.length ?? 0;
  for (let it: Failure | undefined = failure; it !== undefined && bytes > PAYLOAD_BYTES_MAX; it = it.cause) {
    bytes -= it.details?.data.length ?? 0;
    delete it.details;
  }
  return failure;
}

function nameOf(error: Error): string {
  return error.name === "Error" ? error.constructor.name : error.name;
}

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    // A promise that is rejected with nothing gives `undefined`, which has no JSON.
    return value === undefined ? "undefined" : JSON.stringify(value);
  } catch {
    return String(value);
  }
}
