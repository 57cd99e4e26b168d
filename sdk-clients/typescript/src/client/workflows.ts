/** Calls about workflows. */

import { toPbReasons, type WaitReason } from "./waiting.js";
import { type Duration, milliseconds, toPbDuration } from "../duration.js";
import { RpcError, type UnsuccessfulStatus, WaitTimeoutError, WorkflowError } from "../errors.js";
import { failureInfo } from "../failure.js";
import type { HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import type { WorkflowService } from "../gen/everturn/v1/workflow_service_pb.js";
import type { Stub } from "../grpc/stub.js";
import { decodeOptional } from "../payload.js";
import { parsed, type Schema } from "../schema.js";
import type { Signal, WorkflowType } from "../workflow-type.js";
import type { CallSettings } from "./settings.js";
import { pages } from "./pages.js";
import { withRetry } from "./retry.js";
import {
  fromPbDescription,
  fromPbRun,
  fromPbRunStatus,
  type RunStatus,
  toPbRunStatus,
  type WorkflowDescription,
  type WorkflowRun,
} from "./workflow-models.js";

/** How to start a workflow. */
export interface StartOptions {
  /** Workflow id; holds no "/". Default: a new UUID. */
  readonly workflowId?: string;
  /** Task queue of its workflow tasks. Default `default`. */
  readonly taskQueue?: string;
  /** Longest time the run may take. Default: no bound. */
  readonly executionTimeout?: Duration;
  /** Labels. At most 64. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Makes a repeated call safe. Default: a new id, so that retries of the client are. */
  readonly requestId?: string;
}

/** Which run is meant: the latest of the workflow id, or that very one. */
export interface RunChoice {
  readonly runId?: string;
}

/** How to wait for a result. */
export interface WaitOptions<Output> extends RunChoice {
  /** How long at most. Default: no bound. */
  readonly timeout?: Duration;
  /** What reads the result. Default: it is taken as it came. */
  readonly output?: Schema<Output> | undefined;
}

/** A run that was started. */
export interface StartedWorkflow {
  readonly workflowId: string;
  readonly runId: string;
}

/** One round of waiting at the server. */
const WAIT_ROUND_MS = 20_000;

/** Durable runs, by id. */
export class WorkflowClient {
  constructor(
    private readonly stub: Stub<typeof WorkflowService>,
    private readonly settings: CallSettings,
  ) {}

  /** Starts a workflow. Durable when answered. `RUN_ALREADY_STARTED` if the id has an open run. */
  async start<Input, Output>(workflow: string | WorkflowType<Input, Output>, input: NoInfer<Input>, options: StartOptions = {}): Promise<StartedWorkflow> {
    const { namespace, converter } = this.settings;
    const workflowId = options.workflowId ?? crypto.randomUUID();
    const timeout = options.executionTimeout;
    const request = {
      namespace,
      workflowId,
      workflowType: typeof workflow === "string" ? workflow : workflow.type,
      taskQueue: options.taskQueue ?? "",
      input: converter.encode(input),
      labels: { ...options.labels },
      requestId: options.requestId ?? crypto.randomUUID(),
      ...(timeout === undefined ? {} : { executionTimeout: toPbDuration(timeout) }),
    };
    const { runId } = await this.#call((call) => this.stub.startWorkflow(request, call));
    return { workflowId, runId };
  }

  /** Sends a signal to an open run. Durable when answered. */
  async signal<Input>(
    workflowId: string,
    signal: string | Signal<Input>,
    input: NoInfer<Input>,
    options: RunChoice & { readonly requestId?: string } = {},
  ): Promise<void> {
    const { namespace, converter } = this.settings;
    const request = {
      namespace,
      workflowId,
      runId: options.runId ?? "",
      signalName: typeof signal === "string" ? signal : signal.name,
      input: converter.encode(input),
      requestId: options.requestId ?? crypto.randomUUID(),
    };
    await this.#call((call) => this.stub.signalWorkflow(request, call));
  }

  /** Asks an open run to cancel; its code decides how. */
  async cancel(workflowId: string, options: RunChoice & { readonly reason?: string } = {}): Promise<void> {
    const request = this.#target(workflowId, options);
    await this.#call((call) => this.stub.cancelWorkflow({ ...request, reason: options.reason ?? "" }, call));
  }

  /** Closes an open run from outside, without asking its code. */
  async terminate(workflowId: string, options: RunChoice & { readonly reason?: string } = {}): Promise<void> {
    const request = this.#target(workflowId, options);
    await this.#call((call) => this.stub.terminateWorkflow({ ...request, reason: options.reason ?? "" }, call));
  }

  /** Pauses a run and the runs below it: nothing of them is dispatched, everything that arrives is kept. */
  async pause(workflowId: string, options: RunChoice & { readonly reason?: string } = {}): Promise<void> {
    const request = this.#target(workflowId, options);
    await this.#call((call) => this.stub.pauseWorkflow({ ...request, reason: options.reason ?? "" }, call));
  }

  /** Resumes a paused run where it stood. */
  async resume(workflowId: string, options: RunChoice = {}): Promise<void> {
    await this.#call((call) => this.stub.resumeWorkflow(this.#target(workflowId, options), call));
  }

  /** Reads how a run stands, exactly as of now, with what it waits for. */
  async describe(workflowId: string, options: RunChoice = {}): Promise<WorkflowDescription> {
    const response = await this.#call((call) => this.stub.describeWorkflow(this.#target(workflowId, options), call));
    if (response.run === undefined) throw new RpcError("the answer is empty", { code: "INTERNAL" });
    return fromPbDescription(response.run, response, this.settings.converter);
  }

  /** Lists runs, last started first. May lag behind by about a second. */
  list(options: { readonly workflowType?: string; readonly status?: RunStatus; readonly waiting?: readonly WaitReason[]; readonly pageSize?: number } = {}): AsyncIterableIterator<WorkflowRun> {
    const { namespace } = this.settings;
    return pages(async (pageToken) => {
      const request = {
        namespace,
        pageToken,
        pageSize: options.pageSize ?? 0,
        workflowType: options.workflowType ?? "",
        status: toPbRunStatus(options.status),
        waitReasons: toPbReasons(options.waiting),
      };
      const page = await this.#call((call) => this.stub.listWorkflows(request, call));
      return { items: page.runs.map(fromPbRun), next: page.nextPageToken };
    });
  }

  /** Reads the journal of a run, oldest first, as messages of the protocol (`everturn/v1`). */
  history(workflowId: string, options: RunChoice & { readonly afterEventId?: number } = {}): AsyncIterableIterator<HistoryEvent> {
    const target = this.#target(workflowId, options);
    return pages(async (pageToken) => {
      const request = { ...target, pageToken, afterEventId: BigInt(options.afterEventId ?? 0) };
      const page = await this.#call((call) => this.stub.getHistory(request, call));
      return { items: page.events, next: page.nextPageToken };
    });
  }

  /** Reads the state that a run's code has written, exactly as of now. */
  async state(workflowId: string, options: RunChoice = {}): Promise<Record<string, unknown>> {
    const { state } = await this.#call((call) => this.stub.getState(this.#target(workflowId, options), call));
    return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, this.settings.converter.decode(value)]));
  }

  /**
   * Waits until a run is closed and gives its result.
   *
   * @param options `output`: reads the result (that of a workflow's definition, or another one).
   * @throws WorkflowError if it did not complete; WaitTimeoutError if `timeout` passed first;
   *   PayloadError if the result is not what `output` reads.
   */
  async waitResult<Output = unknown>(workflowId: string, options: WaitOptions<Output> = {}): Promise<Output> {
    const endMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + milliseconds(options.timeout);
    let { runId } = options;
    for (;;) {
      const target = this.#target(workflowId, runId === undefined ? {} : { runId });
      const answer = await withRetry(this.settings.retry, () => {
        const roundMs = Math.max(0, Math.min(WAIT_ROUND_MS, endMs - performance.now()));
        return this.stub.waitResult({ ...target, maxWait: toPbDuration(roundMs) }, { timeoutMs: roundMs + this.settings.timeoutMs });
      }, true);
      const status = fromPbRunStatus(answer.status);
      if (status === "completed") return parsed(options.output, decodeOptional(this.settings.converter, answer.result), "result");
      if (status !== "running") throw this.#failed(workflowId, answer.runId, status, answer.failure);
      // From here on that very run is meant, whoever starts another.
      runId = answer.runId;
      if (performance.now() >= endMs) throw new WaitTimeoutError(`workflow "${workflowId}" is still running`);
    }
  }

  #failed(workflowId: string, runId: string, status: UnsuccessfulStatus, failure: Parameters<typeof failureInfo>[0] | undefined): WorkflowError {
    const info = failure === undefined ? undefined : failureInfo(failure, this.settings.converter);
    return new WorkflowError(workflowId, runId, status, info);
  }

  #target(workflowId: string, options: RunChoice): { namespace: string; workflowId: string; runId: string } {
    return { namespace: this.settings.namespace, workflowId, runId: options.runId ?? "" };
  }

  #call<T>(call: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    const { retry, timeoutMs } = this.settings;
    return withRetry(retry, () => call({ timeoutMs }));
  }
}
