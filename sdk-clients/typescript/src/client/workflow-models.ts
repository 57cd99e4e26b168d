/** Runs as plain values, and how they are read. */

import { toDate } from "../duration.js";
import { RunStatus as PbRunStatus } from "../gen/everturn/v1/event_pb.js";
import { type DescribeWorkflowResponse, PendingActivityState, type WorkflowRun as PbRun } from "../gen/everturn/v1/workflow_service_pb.js";
import { failureInfo } from "../failure.js";
import type { FailureInfo } from "../failure-info.js";
import { decodeOptional, type PayloadConverter } from "../payload.js";
import type { Failure } from "../gen/everturn/v1/failure_pb.js";
import { fromPbUsage, type Usage } from "../usage.js";
import { fromPbWait, type WaitInfo } from "./waiting.js";

/** How a run stands. */
export type RunStatus = "running" | "completed" | "failed" | "canceled" | "terminated" | "timed out";

/** How a run stands, without its journal. */
export interface WorkflowRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  readonly taskQueue: string;
  readonly status: RunStatus;
  /** Workflow id of the parent; empty if it is no child. */
  readonly parentWorkflowId: string;
  readonly startTime: Date | undefined;
  readonly closeTime: Date | undefined;
  /** Number of events in its journal. */
  readonly eventCount: number;
  readonly labels: Readonly<Record<string, string>>;
  /** It is paused by itself; runs below it stand still too. */
  readonly isPaused: boolean;
  /** What its activities have used so far, without its children's. */
  readonly usage: Usage;
  /** Why it waits; `undefined` if it does not. */
  readonly wait: WaitInfo | undefined;
}

/** An activity that a run waits for. */
export interface PendingActivity {
  readonly key: string;
  readonly activityType: string;
  readonly state: "scheduled" | "started" | "backing off" | "canceling";
  readonly attempt: number;
  readonly taskQueue: string;
  readonly workerIdentity: string;
  readonly lastFailure: FailureInfo | undefined;
  readonly nextAttemptTime: Date | undefined;
  readonly heartbeatDetails: unknown;
  /** Why it waits. */
  readonly wait: WaitInfo | undefined;
}

/** An approval that a run waits for. */
export interface PendingApproval {
  readonly key: string;
  readonly approvalId: string;
  readonly expireTime: Date | undefined;
}

/** How a run stands, with what it waits for. */
export interface WorkflowDescription extends WorkflowRun {
  readonly pendingActivities: readonly PendingActivity[];
  readonly pendingTimers: readonly { readonly key: string; readonly fireTime: Date | undefined }[];
  readonly pendingChildren: readonly { readonly key: string; readonly workflowId: string }[];
  readonly pendingApprovals: readonly PendingApproval[];
  /** Pending activities that were left out because the answer would be too large. */
  readonly omittedActivityCount: number;
  /** Result of a completed run. */
  readonly result: unknown;
  /** Why any other closed run ended. */
  readonly failure: FailureInfo | undefined;
  /** Why its code is stuck, if its last workflow task failed. */
  readonly workflowTaskFailure: FailureInfo | undefined;
}

const STATUSES: readonly (readonly [PbRunStatus, RunStatus])[] = [
  [PbRunStatus.RUNNING, "running"],
  [PbRunStatus.COMPLETED, "completed"],
  [PbRunStatus.FAILED, "failed"],
  [PbRunStatus.CANCELED, "canceled"],
  [PbRunStatus.TERMINATED, "terminated"],
  [PbRunStatus.TIMED_OUT, "timed out"],
];
const STATES: Readonly<Record<number, PendingActivity["state"]>> = {
  [PendingActivityState.SCHEDULED]: "scheduled",
  [PendingActivityState.STARTED]: "started",
  [PendingActivityState.BACKING_OFF]: "backing off",
  [PendingActivityState.CANCELING]: "canceling",
};

/** Reads a status. */
export function fromPbRunStatus(status: PbRunStatus): RunStatus {
  return STATUSES.find(([pb]) => pb === status)?.[1] ?? "running";
}

/** Writes a status for a filter. */
export function toPbRunStatus(status: RunStatus | undefined): PbRunStatus {
  return STATUSES.find(([, name]) => name === status)?.[0] ?? PbRunStatus.UNSPECIFIED;
}

/** Reads a run. */
export function fromPbRun(run: PbRun): WorkflowRun {
  return {
    workflowId: run.workflowId,
    runId: run.runId,
    workflowType: run.workflowType,
    taskQueue: run.taskQueue,
    status: fromPbRunStatus(run.status),
    parentWorkflowId: run.parentWorkflowId,
    startTime: toDate(run.startTime),
    closeTime: toDate(run.closeTime),
    eventCount: Number(run.eventCount),
    labels: run.labels,
    isPaused: run.paused,
    usage: fromPbUsage(run.usage),
    wait: fromPbWait(run.wait),
  };
}

/** Reads a description. */
export function fromPbDescription(run: PbRun, pb: DescribeWorkflowResponse, converter: PayloadConverter): WorkflowDescription {
  const failure = (it: Failure | undefined): FailureInfo | undefined => (it === undefined ? undefined : failureInfo(it, converter));
  return {
    ...fromPbRun(run),
    pendingActivities: pb.pendingActivities.map((it) => ({
      key: it.key,
      activityType: it.activityType,
      state: STATES[it.state] ?? "scheduled",
      attempt: it.attempt,
      taskQueue: it.taskQueue,
      workerIdentity: it.workerIdentity,
      lastFailure: failure(it.lastFailure),
      nextAttemptTime: toDate(it.nextAttemptTime),
      heartbeatDetails: decodeOptional(converter, it.heartbeatDetails),
      wait: fromPbWait(it.wait),
    })),
    pendingTimers: pb.pendingTimers.map((it) => ({ key: it.key, fireTime: toDate(it.fireTime) })),
    pendingChildren: pb.pendingChildren.map((it) => ({ key: it.key, workflowId: it.workflowId })),
    pendingApprovals: pb.pendingApprovals.map((it) => ({ key: it.key, approvalId: it.approvalId, expireTime: toDate(it.expireTime) })),
    omittedActivityCount: pb.omittedActivityCount,
    result: decodeOptional(converter, pb.result),
    failure: failure(pb.failure),
    workflowTaskFailure: failure(pb.workflowTaskFailure),
  };
}
