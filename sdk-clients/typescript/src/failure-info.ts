/** Failures as user code sees them. */

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
  /** More failures that caused this one: the other members of a group of errors (`AggregateError`, `ExceptionGroup`). */
  readonly moreCauses: readonly FailureInfo[];
}
