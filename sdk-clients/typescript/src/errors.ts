/**
 * The errors of the package.
 *
 *     EverturnError
 *     ├── RpcError                 a call was answered with an error status
 *     ├── WorkflowError            a run that was waited for did not succeed
 *     ├── WaitTimeoutError         a wait ended before the run did
 *     ├── PayloadError             a value cannot be written or read as a payload
 *     ├── ApplicationError         thrown by activities and workflows to fail with a typed failure
 *     ├── DeliveryUnknownError     thrown by adapters that cannot tell whether a message was sent
 *     ├── StepError                what a step of a run ended with
 *     │   ├── ActivityError        no attempt of an activity succeeded
 *     │   ├── ChildError           a child closed without a result
 *     │   ├── SignalError          a signal could not be delivered
 *     │   └── LocalError           a local step threw
 *     ├── CanceledError            the run, the step or the attempt should stop
 *     │   └── TurnInterruptedError newer messages supersede the turn
 *     ├── CommandError             what a step asks for breaks a rule of the coordinator
 *     ├── QuestionSuppressedError  the question of an ask never left
 *     ├── NotDurableError          the code of a run called what would not survive a restart
 *     └── ReplayError              the code does not fit the journal, or left the rules
 */

import type { Duration } from "./duration.js";
import type { FailureInfo } from "./failure-info.js";
import type { SuppressReason } from "./suppress-reason.js";

/** Base of every error that this package throws on purpose. */
export class EverturnError extends Error {
  override name = "EverturnError";
}

/** One wrong field of a request. */
export interface FieldViolation {
  /** Path of the field, as named in the protobuf request. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** Name of a gRPC status code, such as `"NOT_FOUND"`. */
export type RpcCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** What an RPC's error status carries. */
export interface RpcErrorDetails {
  readonly code: RpcCode;
  readonly reason?: string;
  readonly fieldViolations?: readonly FieldViolation[];
  readonly retryDelayMs?: number | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The server, or the connection to it, answered a call with an error. */
export class RpcError extends EverturnError {
  override name = "RpcError";
  /** gRPC status code. */
  readonly code: RpcCode;
  /**
   * Reason from the list in `error_reason.proto`, without prefix (`"RUN_NOT_FOUND"`); empty when
   * the error has none, as for a connection that broke.
   */
  readonly reason: string;
  /** All wrong fields of the request. */
  readonly fieldViolations: readonly FieldViolation[];
  /** How long the server asks to wait before another try, in milliseconds. */
  readonly retryDelayMs: number | undefined;
  /** Details by name, such as `run_id` or `incident_id`. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(message: string, details: RpcErrorDetails) {
    const fields = details.fieldViolations ?? [];
    const listed = fields.map((it) => `; ${it.field}: ${it.description}`).join("");
    super(`${details.reason === undefined || details.reason === "" ? details.code : details.reason}: ${message}${listed}`);
    this.code = details.code;
    this.reason = details.reason ?? "";
    this.fieldViolations = fields;
    this.retryDelayMs = details.retryDelayMs;
    this.metadata = details.metadata ?? {};
  }
}

/** How a run that did not complete ended. */
export type UnsuccessfulStatus = "failed" | "canceled" | "terminated" | "timed out";

/** A run that was waited for closed without a result. */
export class WorkflowError extends EverturnError {
  override name = "WorkflowError";

  constructor(
    /** Workflow id of the run. */
    readonly workflowId: string,
    /** Run id of the run. */
    readonly runId: string,
    /** How it ended. */
    readonly status: UnsuccessfulStatus,
    /** Why it ended, if the run said so. */
    readonly failure: FailureInfo | undefined,
  ) {
    const said = failure === undefined ? "" : `: ${failure.type}: ${failure.message}`;
    super(`workflow "${workflowId}" (run ${runId}) ${status}${said}`);
  }
}

/** A wait for a result ended before the run did; the run goes on. */
export class WaitTimeoutError extends EverturnError {
  override name = "WaitTimeoutError";
}

/** A value cannot be written as a payload, or a payload cannot be read. */
export class PayloadError extends EverturnError {
  override name = "PayloadError";
}

/** What an {@link ApplicationError} may say beside its text. */
export interface ApplicationErrorOptions {
  /** Name of the error, compared with a retry policy's `nonRetryableTypes`. Default: the class's name. */
  readonly type?: string;
  /** True: no further attempt is made, whatever the retry policy says. Default false. */
  readonly nonRetryable?: boolean;
  /** Earliest time until the next attempt; replaces the computed backoff. */
  readonly retryAfter?: Duration;
  /** A value that travels with the failure. */
  readonly details?: unknown;
  /** The error behind this one. */
  readonly cause?: unknown;
}

/** Thrown by activities and workflows to decide how their failure looks. */
export class ApplicationError extends EverturnError {
  override name = "ApplicationError";
  /** Name of the error. */
  readonly type: string;
  /** True: no further attempt is made. */
  readonly nonRetryable: boolean;
  /** Earliest time until the next attempt. */
  readonly retryAfter: Duration | undefined;
  /** Value that travels with the failure. */
  readonly details: unknown;

  constructor(message: string, options: ApplicationErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = options.type ?? new.target.name;
    this.nonRetryable = options.nonRetryable ?? false;
    this.retryAfter = options.retryAfter;
    this.details = options.details;
  }
}

/** A step of a run ended without a result. */
export class StepError extends EverturnError {
  override name = "StepError";

  constructor(
    message: string,
    /** Key of the step. */
    readonly key: string,
    /** What the coordinator recorded about it. */
    readonly failure: FailureInfo,
  ) {
    super(message);
  }
}

/** No attempt of an activity succeeded, and none is left. */
export class ActivityError extends StepError {
  override name = "ActivityError";

  constructor(
    key: string,
    failure: FailureInfo,
    /** Name of the activity. */
    readonly activityType: string,
    /** Number of the last attempt; 0 if none was started. */
    readonly attempt: number,
  ) {
    super(`activity "${key}" failed: ${failure.type}: ${failure.message}`, key, failure);
  }
}

/** A child workflow closed without a result. */
export class ChildError extends StepError {
  override name = "ChildError";

  constructor(
    key: string,
    failure: FailureInfo,
    /** How the child ended. */
    readonly status: UnsuccessfulStatus,
  ) {
    super(`child "${key}" ${status}: ${failure.type}: ${failure.message}`, key, failure);
  }
}

/** A signal could not be delivered: `failure.type` is RUN_NOT_FOUND, RUN_CLOSED or LIMIT_EXCEEDED. */
export class SignalError extends StepError {
  override name = "SignalError";

  constructor(key: string, failure: FailureInfo) {
    super(`signal "${key}" was not delivered: ${failure.type}: ${failure.message}`, key, failure);
  }
}

/** A local step (`ctx.run`) threw. */
export class LocalError extends StepError {
  override name = "LocalError";

  constructor(key: string, failure: FailureInfo) {
    super(`local step "${key}" failed: ${failure.type}: ${failure.message}`, key, failure);
  }
}

/**
 * Thrown by a delivery adapter that cannot tell whether the provider has the message: the connection
 * broke before its answer, say. It is not sent again unless the adapter can reconcile.
 */
export class DeliveryUnknownError extends EverturnError {
  override name = "DeliveryUnknownError";
}

/** The run, the step or the attempt was asked to stop. Let it pass to confirm. */
export class CanceledError extends EverturnError {
  override name = "CanceledError";

  constructor(message = "canceled") {
    super(message);
  }
}

/** Newer messages supersede this turn: what it sends from here on is suppressed. */
export class TurnInterruptedError extends CanceledError {
  override name = "TurnInterruptedError";

  constructor(
    /** How long the turn may clean up before it is terminated, in milliseconds. */
    readonly graceMs: number,
  ) {
    super("newer messages supersede this turn");
  }
}

/** Which kind of rule a {@link CommandError} is about. */
export type CommandRule = "COMMAND_INVALID" | "FIELD_INVALID" | "LIMIT_EXCEEDED";

/**
 * What a step asks for breaks a rule of the coordinator: thrown at the call, or what a step ends with
 * when only the coordinator could tell. If it is not caught, the run fails with it.
 */
export class CommandError extends EverturnError {
  override name = "CommandError";

  constructor(
    /** Which kind of rule. */
    readonly type: CommandRule,
    message: string,
    /** What is wrong (`"key"`, `"content"`, `"author"`). */
    readonly field: string,
    /** The limit that it is beyond, if it is one. */
    readonly limit?: number,
  ) {
    super(message);
  }
}

/** The question of an ask never left, so that nobody answers it. */
export class QuestionSuppressedError extends EverturnError {
  override name = "QuestionSuppressedError";

  constructor(
    /** Key of the ask. */
    readonly key: string,
    message: string,
    /** What kept it in. */
    readonly reason: SuppressReason,
  ) {
    super(message);
  }
}

/**
 * The code of a run called something that would not survive a restart of its worker, or that goes
 * another way in replay: a timer of its own, a connection, a file.
 */
export class NotDurableError extends EverturnError {
  override name = "NotDurableError";

  constructor(
    /** What was called. */
    readonly what: string,
    advice: string,
  ) {
    super(`${what} does not survive a restart of the worker, so that the code of a run may not use it: ${advice}`);
  }
}

/**
 * The code does not fit the recorded journal, or it left the rules of durable code. The run does
 * not fail: its workflow task is reported as failed and comes again, until a worker has a fix.
 */
export class ReplayError extends EverturnError {
  override name = "ReplayError";

  constructor(
    /** Name of the problem: `KindMismatch`, `Drift`, `OutsideOfTask`, `Stuck`, `Blocked`, ... */
    readonly type: string,
    message: string,
  ) {
    super(message);
  }
}
