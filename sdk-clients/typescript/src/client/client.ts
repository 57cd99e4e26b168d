/** The client: conversations, approvals, workflows and task queues, from services and tools. */

import { Client as GrpcClient } from "@grpc/grpc-js";
import { type Duration, milliseconds } from "../duration.js";
import { ConversationService } from "../gen/everturn/v1/conversation_service_pb.js";
import { TaskQueueService } from "../gen/everturn/v1/task_queue_service_pb.js";
import { WorkflowService } from "../gen/everturn/v1/workflow_service_pb.js";
import { addressOf, channelOptions, type ConnectOptions, credentialsOf, namespaceOf } from "../grpc/channel.js";
import { stubOf } from "../grpc/stub.js";
import { jsonConverter, type PayloadConverter } from "../payload.js";
import { ApprovalClient } from "./approvals.js";
import { ConversationClient } from "./conversations.js";
import type { RetrySettings } from "./retry.js";
import type { CallSettings } from "./settings.js";
import { TaskQueueClient } from "./task-queues.js";
import { WorkflowClient } from "./workflows.js";

/** Settings of a {@link Client}. */
export interface ClientOptions extends ConnectOptions {
  /** Address of the coordinator. Default: `EVERTURN_ADDRESS`, else `127.0.0.1:7400`. */
  readonly address?: string;
  /** Namespace. Default: `EVERTURN_NAMESPACE`, else `default`. */
  readonly namespace?: string;
  /** Longest time of one try of a call. Default 10 s. */
  readonly timeout?: Duration;
  /** How calls are repeated. */
  readonly retry?: RetrySettings;
  /** Writes and reads payloads. Default: JSON. */
  readonly converter?: PayloadConverter;
}

/** A client of one namespace. All methods throw `RpcError` when the server refuses or stays away. */
export class Client {
  /** Customers' messages in, replies out. */
  readonly conversations: ConversationClient;
  /** What people are asked to approve. */
  readonly approvals: ApprovalClient;
  /** Durable runs, by id. */
  readonly workflows: WorkflowClient;
  /** How task queues stand. */
  readonly taskQueues: TaskQueueClient;
  readonly #client: GrpcClient;

  constructor(options: ClientOptions = {}) {
    const client = (this.#client = new GrpcClient(addressOf(options.address), credentialsOf(options), channelOptions(options)));
    const settings: CallSettings = {
      namespace: namespaceOf(options.namespace),
      timeoutMs: milliseconds(options.timeout ?? 10_000),
      retry: options.retry ?? {},
      converter: options.converter ?? jsonConverter,
    };
    const conversations = stubOf(ConversationService, client);
    this.conversations = new ConversationClient(conversations, settings);
    this.approvals = new ApprovalClient(conversations, settings);
    this.workflows = new WorkflowClient(stubOf(WorkflowService, client), settings);
    this.taskQueues = new TaskQueueClient(stubOf(TaskQueueService, client), settings);
  }

  /** Frees the connection; calls under way fail. */
  close(): void {
    this.#client.close();
  }
}
