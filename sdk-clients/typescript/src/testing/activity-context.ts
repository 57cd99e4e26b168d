/** The context of an activity, without worker or coordinator. */

import { create } from "@bufbuild/protobuf";
import type { ActivityContext, CancelReason } from "../activity-context.js";
import { ActivityTaskSchema } from "../gen/everturn/v1/worker_service_pb.js";
import { type Logger, silentLogger } from "../logger.js";
import { jsonConverter } from "../payload.js";
import { fromPbUsage, type Usage } from "../usage.js";
import { Attempt } from "../worker/attempts.js";

/** What an attempt is given. */
export interface TestActivityOptions {
  readonly activityType?: string;
  /** Number of the attempt. Default 1. */
  readonly attempt?: number;
  readonly workflowId?: string;
  readonly key?: string;
  /** Details of the last heartbeat of an earlier attempt. */
  readonly heartbeatDetails?: unknown;
  readonly logger?: Logger;
}

/** A context and what the code did with it. */
export interface TestActivityContext {
  readonly context: ActivityContext;
  /** Details of every heartbeat, in order. */
  readonly heartbeats: readonly unknown[];
  /** What was streamed, put together. */
  readonly streamed: () => string;
  /** What was used so far; `undefined` if nothing was reported. */
  readonly usage: () => Usage | undefined;
  /** Tells the code to stop. */
  readonly cancel: (reason?: CancelReason) => void;
}

/** Makes a context to call the code of an activity with. */
export function activityContext(options: TestActivityOptions = {}): TestActivityContext {
  const { heartbeatDetails } = options;
  const task = create(ActivityTaskSchema, {
    activityType: options.activityType ?? "activity",
    attempt: options.attempt ?? 1,
    workflowId: options.workflowId ?? "workflow",
    runId: "run",
    key: options.key ?? options.activityType ?? "activity",
    taskQueue: "default",
    ...(heartbeatDetails === undefined ? {} : { heartbeatDetails: jsonConverter.encode(heartbeatDetails) }),
  });
  const heartbeats: unknown[] = [];
  const pieces: Uint8Array[] = [];
  const attempt = new Attempt(task, jsonConverter, options.logger ?? silentLogger, {
    heartbeat: () => undefined,
    output: (_token, more) => {
      pieces.push(...more);
      return true;
    },
  });
  const heartbeat = attempt.heartbeat.bind(attempt);
  attempt.heartbeat = (details?: unknown): void => {
    heartbeats.push(details);
    // Also written, so that what cannot be is found here.
    heartbeat(details);
  };
  return {
    context: attempt,
    heartbeats,
    streamed: () => Buffer.concat(pieces).toString(),
    usage: () => (attempt.usage === undefined ? undefined : fromPbUsage(attempt.usage)),
    cancel: (reason = "requested") => {
      attempt.cancel(reason);
    },
  };
}
