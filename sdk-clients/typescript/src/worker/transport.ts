/** How a worker talks to a coordinator: the interface, and its implementation over grpc-js. */

import { Client, Metadata } from "@grpc/grpc-js";
import { rpcErrorOf } from "../client/rpc-error.js";
import type { RpcError } from "../errors.js";
import type { HistoryEvent } from "../gen/everturn/v1/event_pb.js";
import { ConversationService, type SetConversationTypeRequest } from "../gen/everturn/v1/conversation_service_pb.js";
import { WorkerService, type WorkRequest, type WorkResponse } from "../gen/everturn/v1/worker_service_pb.js";
import { WorkflowService } from "../gen/everturn/v1/workflow_service_pb.js";
import { channelOptions, type ConnectOptions, credentialsOf } from "../grpc/channel.js";
import { stubOf } from "../grpc/stub.js";
import { decodeWorkResponse } from "./decode-response.js";
import { encodeWorkRequest } from "./encode-request.js";

/** What an open stream tells its worker. */
export interface StreamEvents {
  onMessage(response: WorkResponse): void;
  /** More may be written after `write` said that the stream is full. */
  onDrain(): void;
  /** The stream ended, with an error or as the server wanted. Called once. */
  onEnd(error: RpcError | undefined): void;
}

/** An open stream. */
export interface WorkStream {
  /** Sends a message; false if the stream is full for now (the message is taken all the same). */
  write(request: WorkRequest): boolean;
  /** Nothing more will be sent. */
  end(): void;
  /** Gives the stream up. */
  cancel(): void;
}

/** Which events of which run. */
export interface HistoryRange {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly afterEventId: bigint;
  readonly throughEventId: bigint;
}

/** A way to a coordinator. */
export interface WorkTransport {
  /** Opens a stream. */
  open(events: StreamEvents): WorkStream;
  /** Reads events of a journal. */
  history(range: HistoryRange): Promise<HistoryEvent[]>;
  /** Sets what conversations of a type begin with. */
  registerType(request: Pick<SetConversationTypeRequest, "namespace" | "settings">): Promise<void>;
  /** Frees the connection. */
  close(): void;
}

const CALL_MS_MAX = 10_000;
const WORK_PATH = `/${WorkerService.typeName}/${WorkerService.method.work.name}`;

/** The way over grpc-js. A client is made for each stream: a new connection is looked for at once. */
export class GrpcTransport implements WorkTransport {
  #client: Client | undefined;

  constructor(
    private readonly address: string,
    private readonly options: ConnectOptions,
  ) {}

  open(events: StreamEvents): WorkStream {
    this.close();
    const client = (this.#client = new Client(this.address, credentialsOf(this.options), channelOptions(this.options)));
    const call = client.makeBidiStreamRequest(WORK_PATH, encodeWorkRequest, decodeWorkResponse, new Metadata(), {});
    let isOver = false;
    const end = (error: RpcError | undefined): void => {
      if (isOver) return;
      isOver = true;
      events.onEnd(error);
    };
    call.on("data", (response: WorkResponse) => {
      if (!isOver) events.onMessage(response);
    });
    call.on("drain", () => {
      if (!isOver) events.onDrain();
    });
    call.on("error", (error: Error) => {
      end(rpcErrorOf(error));
    });
    call.on("end", () => {
      end(undefined);
    });
    return {
      write: (request) => call.write(request),
      end: () => {
        call.end();
      },
      cancel: () => {
        call.cancel();
        end(undefined);
      },
    };
  }

  async history(range: HistoryRange): Promise<HistoryEvent[]> {
    const client = this.#client;
    if (client === undefined) throw new Error("not connected");
    const { namespace, workflowId, runId, afterEventId, throughEventId } = range;
    const stub = stubOf(WorkflowService, client);
    const events: HistoryEvent[] = [];
    let pageToken = "";
    do {
      const page = await stub.getHistory(
        { namespace, workflowId, runId, afterEventId, pageToken },
        { timeoutMs: CALL_MS_MAX },
      );
      events.push(...page.events.filter((event) => event.id <= throughEventId));
      pageToken = (events.at(-1)?.id ?? 0n) >= throughEventId ? "" : page.nextPageToken;
    } while (pageToken !== "");
    return events;
  }

  async registerType(request: Pick<SetConversationTypeRequest, "namespace" | "settings">): Promise<void> {
    const client = new Client(this.address, credentialsOf(this.options), channelOptions(this.options));
    try {
      await stubOf(ConversationService, client).setConversationType(request, { timeoutMs: CALL_MS_MAX });
    } finally {
      client.close();
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}
