/** Calls about task queues. */

import { toDate } from "../duration.js";
import { type TaskQueue as PbTaskQueue, type TaskQueueService } from "../gen/everturn/v1/task_queue_service_pb.js";
import { TaskKind } from "../gen/everturn/v1/worker_service_pb.js";
import type { Stub } from "../grpc/stub.js";
import { withRetry } from "./retry.js";
import type { CallSettings } from "./settings.js";

/** How a task queue stands. */
export interface TaskQueue {
  readonly name: string;
  /** What is in it. */
  readonly kind: "workflow" | "activity";
  /** Tasks that wait. */
  readonly backlogCount: number;
  /** When the task that has waited longest was offered; `undefined` if none waits. */
  readonly oldestTaskTime: Date | undefined;
  /** Workers that serve it. */
  readonly workerCount: number;
  /** Since when nobody serves it; `undefined` while somebody does. */
  readonly unservedSinceTime: Date | undefined;
  /** Types that its workers have said they have, sorted. */
  readonly registeredTypes: readonly string[];
  /** Types that are wanted from it and that none of its workers has, sorted. */
  readonly missingTypes: readonly string[];
}

/** How task queues stand. */
export class TaskQueueClient {
  constructor(
    private readonly stub: Stub<typeof TaskQueueService>,
    private readonly settings: CallSettings,
  ) {}

  /**
   * Lists the queues that have a task, a worker, or code that uses them; those without workers come
   * first. After a deployment, `missingTypes` and `unservedSinceTime` say what nobody would do.
   */
  async list(): Promise<TaskQueue[]> {
    const { namespace, retry, timeoutMs } = this.settings;
    const { taskQueues } = await withRetry(retry, () => this.stub.listTaskQueues({ namespace }, { timeoutMs }));
    return taskQueues.map(fromPbTaskQueue);
  }
}

function fromPbTaskQueue(queue: PbTaskQueue): TaskQueue {
  return {
    name: queue.taskQueue,
    kind: queue.kind === TaskKind.ACTIVITY ? "activity" : "workflow",
    backlogCount: Number(queue.backlogCount),
    oldestTaskTime: toDate(queue.oldestTaskTime),
    workerCount: queue.workerCount,
    unservedSinceTime: toDate(queue.unservedSinceTime),
    registeredTypes: queue.registeredTypes,
    missingTypes: queue.missingTypes,
  };
}
