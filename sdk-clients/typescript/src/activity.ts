/** Activities: typed handles that runs schedule, and the functions that workers run for them. */

import { create } from "@bufbuild/protobuf";
import type { ActivityContext } from "./activity-context.js";
import { type Duration, toPbDuration } from "./duration.js";
import { type ActivityOptions as PbActivityOptions, ActivityOptionsSchema } from "./gen/everturn/v1/activity_pb.js";
import { type RetryPolicy, RetryPolicySchema } from "./gen/everturn/v1/policy_pb.js";
import { parsed, type Schema } from "./schema.js";
import { toPbUsage, type Usage } from "./usage.js";

/**
 * When and how often a failed attempt is repeated. The delay before attempt n+1 is
 * `initialInterval * backoffCoefficient^(n-1)`, at most `maximumInterval`.
 */
export interface RetryOptions {
  /** Delay before the second attempt. Default 1 s; from 1 ms to 24 h. */
  readonly initialInterval?: Duration;
  /** Growth of the delay per attempt. Default 2; from 1 to 100. */
  readonly backoffCoefficient?: number;
  /** Upper bound of the delay. Default 100 s; not below `initialInterval`. */
  readonly maximumInterval?: Duration;
  /** Number of attempts in all, the first included. Default 0: unlimited. */
  readonly maximumAttempts?: number;
  /** Failure types that are never retried. */
  readonly nonRetryableTypes?: readonly string[];
}

/** Where an activity runs and how long it may take. */
export interface ActivityOptions {
  /** Task queue of the workers that run it. Default: the run's task queue. */
  readonly taskQueue?: string;
  /** When a failed attempt is repeated. */
  readonly retry?: RetryOptions;
  /** From being queued until a worker takes the attempt. Default: no bound. */
  readonly scheduleToStartTimeout?: Duration;
  /** From a worker taking the attempt until its result. Default 10 min. */
  readonly startToCloseTimeout?: Duration;
  /** From being scheduled until the last result, retries included. Default: no bound. */
  readonly scheduleToCloseTimeout?: Duration;
  /** Longest silence between two heartbeats of an attempt. Default: none are expected. */
  readonly heartbeatTimeout?: Duration;
  /** Order within the task queue: 0 is first, 9 last. Default 4. */
  readonly priority?: number;
  /**
   * What an attempt is expected to use, reserved from the budget of its conversation while it runs. Default:
   * the most that the activity has used there so far; while nothing is known, one attempt runs at a time.
   */
  readonly estimatedUsage?: Partial<Usage>;
}

declare const types: unique symbol;

/** What reads the input and the result of an activity where they arrive. */
export interface ActivitySchemas<Input, Output> {
  /** Reads the input in the worker that runs it. */
  readonly input?: Schema<Input>;
  /** Reads the result in the run that asked for it. */
  readonly output?: Schema<Output>;
}

/** A typed name of an activity, with the options that runs use unless they say otherwise. */
export interface Activity<Input, Output> {
  /** Name, as workers register it. */
  readonly name: string;
  /** Default options. */
  readonly options: ActivityOptions;
  /** What reads its values where they arrive. */
  readonly schemas?: ActivitySchemas<Input, Output>;
  /** Only for the type checker: never there. */
  readonly [types]?: (input: Input) => Output;
}

/** The code of an activity. */
export type ActivityFunction<Input, Output> = (input: Input, context: ActivityContext) => Output | Promise<Output>;

/** An activity together with its code, for a worker. */
export interface ImplementedActivity {
  /** Name, as runs schedule it. */
  readonly name: string;
  /** The code. */
  readonly run: ActivityFunction<never, unknown>;
}

/**
 * Declares an activity: what goes in, what comes out, and how it runs by default. Its code may be
 * in any language; values travel as JSON.
 *
 * @param name Name, as workers register it. 1 to 256 bytes.
 * @param options How it runs by default, and `input` and `output`: schemas that read its values.
 * @throws RangeError if the name or an option is out of range.
 */
export function defineActivity<Input = void, Output = void>(
  name: string,
  options: ActivityOptions & ActivitySchemas<Input, Output> = {},
): Activity<Input, Output> {
  checkName("activity", name);
  const { input, output, ...own } = options;
  toPbActivityOptions(own);
  if (declared.size < DECLARED_MAX) declared.set(`${name}\n${own.taskQueue ?? ""}`, { name, taskQueue: own.taskQueue });
  const schemas = { ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) };
  return { name, options: own, schemas };
}

/** Most declared activities that workers tell of: what the coordinator takes. */
const DECLARED_MAX = 1_000;
const declared = new Map<string, { readonly name: string; readonly taskQueue: string | undefined }>();

/** The activities that the code of this process has declared, with their task queue if they name one. */
export function declaredActivities(): readonly { readonly name: string; readonly taskQueue: string | undefined }[] {
  return [...declared.values()];
}

/** Gives an activity its code; hand the result to a worker. */
export function implementActivity<Input, Output>(
  activity: Activity<Input, Output>,
  run: ActivityFunction<Input, Output>,
): ImplementedActivity {
  const input = activity.schemas?.input;
  if (input === undefined) return { name: activity.name, run };
  return { name: activity.name, run: (value: Input, context) => run(parsed(input, value, "args"), context) };
}

/** Checks a name of 1 to 256 bytes. */
export function checkName(what: string, name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > 256) throw new RangeError(`the name of a ${what} has 1 to 256 bytes, found ${String(bytes)}`);
}

const written = new WeakMap<ActivityOptions, PbActivityOptions>();

/** Writes options for the wire; written once for each object. */
export function toPbActivityOptions(options: ActivityOptions): PbActivityOptions {
  let pb = written.get(options);
  if (pb === undefined) {
    pb = create(ActivityOptionsSchema, {
      taskQueue: options.taskQueue ?? "",
      ...duration("scheduleToStartTimeout", options.scheduleToStartTimeout),
      ...duration("startToCloseTimeout", options.startToCloseTimeout),
      ...duration("scheduleToCloseTimeout", options.scheduleToCloseTimeout),
      ...duration("heartbeatTimeout", options.heartbeatTimeout),
    });
    if (options.retry !== undefined) pb.retryPolicy = toPbRetryPolicy(options.retry);
    if (options.estimatedUsage !== undefined) pb.estimatedUsage = toPbUsage({ inputTokens: 0, outputTokens: 0, costMicros: 0, currency: "", ...options.estimatedUsage });
    if (options.priority !== undefined) {
      if (!(Number.isInteger(options.priority) && options.priority >= 0 && options.priority <= 9)) {
        throw new RangeError(`priority is 0 to 9, found ${String(options.priority)}`);
      }
      pb.priority = options.priority;
    }
    written.set(options, pb);
  }
  return pb;
}

/** Options of a call over the defaults of an activity. */
export function mergeOptions(defaults: ActivityOptions, own: ActivityOptions): ActivityOptions {
  if (Object.keys(own).length === 0) return defaults;
  const retry = { ...defaults.retry, ...own.retry };
  return { ...defaults, ...own, ...(Object.keys(retry).length > 0 ? { retry } : {}) };
}

function toPbRetryPolicy(retry: RetryOptions): RetryPolicy {
  return create(RetryPolicySchema, {
    ...duration("initialInterval", retry.initialInterval),
    ...duration("maximumInterval", retry.maximumInterval),
    ...(retry.backoffCoefficient === undefined ? {} : { backoffCoefficient: retry.backoffCoefficient }),
    ...(retry.maximumAttempts === undefined ? {} : { maximumAttempts: retry.maximumAttempts }),
    nonRetryableTypes: [...(retry.nonRetryableTypes ?? [])],
  });
}

function duration<Name extends string>(name: Name, value: Duration | undefined): Partial<Record<Name, ReturnType<typeof toPbDuration>>> {
  return value === undefined ? {} : ({ [name]: toPbDuration(value) } as Partial<Record<Name, ReturnType<typeof toPbDuration>>>);
}
