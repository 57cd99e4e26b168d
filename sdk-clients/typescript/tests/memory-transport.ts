/** A transport in memory, driven by hand: the twin of the one over grpc-js. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { RpcError } from "../src/errors.js";
import type { HistoryEvent } from "../src/gen/everturn/v1/event_pb.js";
import { type WorkRequest, WorkResponseSchema } from "../src/gen/everturn/v1/worker_service_pb.js";
import type { HistoryRange, StreamEvents, WorkStream, WorkTransport } from "../src/worker/transport.js";

/** One stream that a worker opened. */
export class MemoryStream implements WorkStream {
  readonly requests: WorkRequest[] = [];
  isEnded = false;
  isCanceled = false;
  #wake: (() => void) | undefined;

  constructor(readonly events: StreamEvents) {}

  write(request: WorkRequest): boolean {
    this.requests.push(request);
    this.#wake?.();
    return true;
  }

  end(): void {
    this.isEnded = true;
    this.#wake?.();
  }

  cancel(): void {
    this.isCanceled = true;
  }

  send(response: MessageInitShape<typeof WorkResponseSchema>): void {
    this.events.onMessage(create(WorkResponseSchema, response));
  }

  fail(error?: RpcError): void {
    this.events.onEnd(error);
  }

  /** Waits until something about the stream holds. */
  async until<T>(find: (stream: this) => T | undefined | false): Promise<T> {
    for (;;) {
      const found = find(this);
      if (found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

type TypeRequest = Parameters<WorkTransport["registerType"]>[0];

/** Hands out streams, and journals. */
export class MemoryTransport implements WorkTransport {
  readonly streams: MemoryStream[] = [];
  readonly ranges: HistoryRange[] = [];
  readonly types: TypeRequest[] = [];
  onRegister: ((request: TypeRequest) => unknown) | undefined;
  journal: HistoryEvent[] = [];
  isClosed = false;
  #wake: (() => void) | undefined;

  open(events: StreamEvents): WorkStream {
    const stream = new MemoryStream(events);
    this.streams.push(stream);
    this.#wake?.();
    return stream;
  }

  history(range: HistoryRange): Promise<HistoryEvent[]> {
    this.ranges.push(range);
    return Promise.resolve(this.journal.filter(({ id }) => id > range.afterEventId && id <= range.throughEventId));
  }

  async registerType(request: TypeRequest): Promise<void> {
    this.types.push(request);
    await this.onRegister?.(request);
  }

  close(): void {
    this.isClosed = true;
  }

  /** Waits for the stream with a number, from 0, and greets the worker. */
  async greeted(index = 0, welcome: MessageInitShape<typeof WorkResponseSchema>["welcome"] = {}): Promise<MemoryStream> {
    while (this.streams.length <= index) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const stream = this.streams[index]!;
    await stream.until((it) => it.requests.length > 0);
    stream.send({ welcome: { streamId: BigInt(index + 1), ...welcome } });
    return stream;
  }
}
