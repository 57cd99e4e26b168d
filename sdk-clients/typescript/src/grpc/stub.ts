/**
 * Typed stubs over grpc-js: the small bridge between generated services and the transport.
 *
 *     const worker = connectStub(WorkerService, "127.0.0.1:7400");
 *     const { tasks } = await worker.pollActivityTasks({ taskQueue: "default", maxTasks: 10 });
 */

import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type Call,
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { channelOptions, type ConnectOptions, credentialsOf } from "./channel.js";

/** What a call may say beside its request. */
export interface StubCallOptions {
  /** Longest time the call may take, in milliseconds. Default: no bound. */
  readonly timeoutMs?: number;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
  /** Headers. */
  readonly metadata?: Metadata;
}

/** The methods of a service that can be called: unary, server streaming and bidirectional ones. */
export type Stub<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: Service["method"][Name] extends DescMethodUnary<infer Input, infer Output>
    ? (request: MessageInitShape<Input>, options?: StubCallOptions) => Promise<MessageShape<Output>>
    : Service["method"][Name] extends DescMethodServerStreaming<infer Input, infer Output>
      ? (request: MessageInitShape<Input>, options?: StubCallOptions) => ClientReadableStream<MessageShape<Output>>
      : Service["method"][Name] extends DescMethodBiDiStreaming<infer Input, infer Output>
        ? (options?: StubCallOptions) => ClientDuplexStream<MessageShape<Input>, MessageShape<Output>>
        : never;
} & {
  /** Closes the connection; calls under way fail. */
  readonly close: () => void;
};

/** Makes the stub of a service on a connection of its own. */
export function connectStub<Service extends DescService>(service: Service, address: string, options: ConnectOptions = {}): Stub<Service> {
  return stubOf(service, new Client(address, credentialsOf(options), channelOptions(options)));
}

/** Makes the stub of a service on a client of grpc-js. */
export function stubOf<Service extends DescService>(service: Service, client: Client): Stub<Service> {
  const stub: Record<string, unknown> = {
    close: () => {
      client.close();
    },
  };
  for (const method of service.methods) {
    const path = `/${service.typeName}/${method.name}`;
    const write = writer(method.input);
    const read = reader(method.output);
    if (method.methodKind === "unary") {
      stub[method.localName] = (request: MessageInitShape<DescMessage>, options: StubCallOptions = {}) =>
        new Promise((resolve, reject) => {
          const message = create(method.input, request);
          const call = client.makeUnaryRequest(
            path, write, read, message, options.metadata ?? new Metadata(), callOptions(options),
            (error: ServiceError | null, response?: unknown) => {
              if (error === null) resolve(response);
              else reject(error);
            },
          );
          abortWith(call, options.signal);
        });
    } else if (method.methodKind === "server_streaming") {
      stub[method.localName] = (request: MessageInitShape<DescMessage>, options: StubCallOptions = {}) => {
        const message = create(method.input, request);
        const call = client.makeServerStreamRequest(path, write, read, message, options.metadata ?? new Metadata(), callOptions(options));
        abortWith(call, options.signal);
        return call;
      };
    } else if (method.methodKind === "bidi_streaming") {
      stub[method.localName] = (options: StubCallOptions = {}) => {
        const call = client.makeBidiStreamRequest(path, write, read, options.metadata ?? new Metadata(), callOptions(options));
        abortWith(call, options.signal);
        return call;
      };
    }
  }
  return stub as Stub<Service>;
}

/** How messages of a type are written. */
export function writer(schema: DescMessage): (message: MessageShape<DescMessage>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/** How messages of a type are read. */
export function reader(schema: DescMessage): (bytes: Buffer) => MessageShape<DescMessage> {
  return (bytes) => fromBinary(schema, bytes);
}

function callOptions(options: StubCallOptions): CallOptions {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}

function abortWith(call: Pick<Call, "cancel" | "on">, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (signal.aborted) {
    call.cancel();
    return;
  }
  const abort = (): void => {
    call.cancel();
  };
  signal.addEventListener("abort", abort, { once: true });
  // The signal may live much longer than the call.
  call.on("status", () => {
    signal.removeEventListener("abort", abort);
  });
}
