/** Failures: errors of user code on their way to the wire and back. */

import { create } from "@bufbuild/protobuf";
import { type Duration, fromPbDuration, toPbDuration } from "./duration.js";
import { ApplicationError, CanceledError, CommandError, PayloadError, StepError } from "./errors.js";
import type { FailureInfo, FailureKindName } from "./failure-info.js";
import type { Payload } from "./gen/everturn/v1/payload_pb.js";
import { type Failure, FailureKind, FailureSchema } from "./gen/everturn/v1/failure_pb.js";
import { jsonConverter, PAYLOAD_BYTES_MAX, type PayloadConverter } from "./payload.js";
import { FAILURE_CAUSES, FAILURE_MEMBERS, FAILURE_MESSAGE_BYTES, FAILURE_STACK_BYTES, ID_BYTES } from "./rules.js";


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
    type: cut(type, ID_BYTES),
    message: cut(message, FAILURE_MESSAGE_BYTES),
    nonRetryable,
  });
}

/**
 * Writes what user code threw as a failure, causes included. Never throws: whatever cannot be written
 * is left out, because a failure that is not reported leaves its step waiting.
 */
export function toFailure(error: unknown, converter: PayloadConverter): Failure {
  try {
    return withinLimit(level(error, { converter, membersLeft: FAILURE_MEMBERS }, 0));
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
    moreCauses: failure.moreCauses.map((cause) => failureInfo(cause, converter)),
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

/** What a failure is written with. */
interface Writing {
  readonly converter: PayloadConverter;
  /** Causes that may still be written. */
  membersLeft: number;
}

function level(error: unknown, writing: Writing, depth: number): Failure {
  const failure = create(FailureSchema, { kind: FailureKind.APPLICATION });
  if (!(error instanceof Error)) {
    failure.type = "Error";
    failure.message = cut(describe(error), FAILURE_MESSAGE_BYTES);
    return failure;
  }
  const isTyped = error instanceof ApplicationError || error instanceof CommandError;
  failure.type = cut(isTyped ? error.type : nameOf(error), ID_BYTES);
  failure.message = cut(error.message, FAILURE_MESSAGE_BYTES);
  failure.stackTrace = cut(error.stack ?? "", FAILURE_STACK_BYTES);
  if (error instanceof CanceledError) failure.kind = FailureKind.CANCELED;
  if (error instanceof PayloadError) failure.nonRetryable = true;
  if (error instanceof CommandError) {
    const { field, limit } = error;
    failure.nonRetryable = true;
    failure.details = written({ field, limit }, writing.converter);
  }
  if (error instanceof ApplicationError) {
    failure.nonRetryable = error.nonRetryable;
    const retryAfter = optionalDuration(error.retryAfter);
    if (retryAfter !== undefined) failure.retryAfter = retryAfter;
    if (error.details !== undefined) failure.details = written(error.details, writing.converter);
  }
  addCauses(failure, causesOf(error, writing), writing, depth);
  return failure;
}

/** What caused an error: its `cause`, then the members of a group. */
function causesOf(error: Error, writing: Writing): ((depth: number) => Failure)[] {
  const causes: ((depth: number) => Failure)[] = [];
  if (error instanceof StepError) causes.push((depth) => fromInfo(error.failure, writing, depth));
  else if (error.cause !== undefined) causes.push((depth) => level(error.cause, writing, depth));
  if (error instanceof AggregateError) {
    for (const member of error.errors as readonly unknown[]) causes.push((depth) => level(member, writing, depth));
  }
  return causes;
}

function addCauses(failure: Failure, causes: readonly ((depth: number) => Failure)[], writing: Writing, depth: number): void {
  if (depth >= FAILURE_CAUSES) return;
  for (const write of causes) {
    if (writing.membersLeft === 0) return;
    writing.membersLeft -= 1;
    const cause = write(depth + 1);
    if (failure.cause === undefined) failure.cause = cause;
    else failure.moreCauses.push(cause);
  }
}

function fromInfo(info: FailureInfo, writing: Writing, depth: number): Failure {
  const failure = plainFailure(KINDS[info.kind], info.type, info.message, info.nonRetryable);
  failure.stackTrace = cut(info.stackTrace, FAILURE_STACK_BYTES);
  if (info.details !== undefined) failure.details = written(info.details, writing.converter);
  const causes = [...(info.cause === undefined ? [] : [info.cause]), ...info.moreCauses];
  addCauses(failure, causes.map((cause) => (below) => fromInfo(cause, writing, below)), writing, depth);
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
  const all = [failure];
  // A list that grows while it is walked: the outermost first.
  for (const it of all) all.push(...(it.cause === undefined ? [] : [it.cause]), ...it.moreCauses);
  let bytes = 0;
  for (const it of all) bytes += it.details?.data.length ?? 0;
  for (const it of all) {
    if (bytes <= PAYLOAD_BYTES_MAX) break;
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
