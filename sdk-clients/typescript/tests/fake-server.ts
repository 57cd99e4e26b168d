/** A gRPC server with scripted handlers, in this process. */

import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { status} from "@grpc/grpc-js";
import {
  type handleBidiStreamingCall, type handleServerStreamingCall, type handleUnaryCall, Metadata, Server, ServerCredentials, type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

type AnyMessage = Message;
/** A handler of grpc-js: unary, server streaming or bidirectional. */
export type Handler = handleUnaryCall<never, never> | handleServerStreamingCall<never, never> | handleBidiStreamingCall<never, never>;

/** A server that listens. */
export interface FakeServer {
  readonly address: string;
  /** Ends all connections. */
  stop(): void;
}

/** Serves some methods of a service, named as in the generated code; at a port, or at any. */
export async function serve(service: DescService, handlers: Readonly<Record<string, unknown>>, port = 0): Promise<FakeServer> {
  const server = new Server();
  const definition: Record<string, unknown> = {};
  const implementation: Record<string, unknown> = {};
  for (const method of service.methods) {
    const handler = handlers[method.localName];
    if (handler === undefined) continue;
    definition[method.localName] = definitionOf(service, method);
    implementation[method.localName] = handler;
  }
  server.addService(definition as unknown as ServiceDefinition, implementation as UntypedServiceImplementation);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${String(port)}`, ServerCredentials.createInsecure(), (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });
  return { address: `127.0.0.1:${String(bound)}`, stop: () => { server.forceShutdown(); } };
}

/** An error status with details. */
export function statusError(code: status, message: string, details: { reason?: string; metadata?: Record<string, string>; fields?: [string, string][]; retryMs?: number }): Error {
  const any = (type: string, value: BinaryWriter): Uint8Array =>
    new BinaryWriter().tag(1, WireType.LengthDelimited).string(`type.googleapis.com/google.rpc.${type}`).tag(2, WireType.LengthDelimited).bytes(value.finish()).finish();
  const list: Uint8Array[] = [];
  const info = new BinaryWriter().tag(1, WireType.LengthDelimited).string(details.reason ?? "").tag(2, WireType.LengthDelimited).string("everturn");
  for (const [key, value] of Object.entries(details.metadata ?? {})) {
    const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value).finish();
    info.tag(3, WireType.LengthDelimited).bytes(entry);
  }
  list.push(any("ErrorInfo", info));
  if (details.fields !== undefined) {
    const bad = new BinaryWriter();
    for (const [field, description] of details.fields) {
      bad.tag(1, WireType.LengthDelimited).bytes(new BinaryWriter().tag(1, WireType.LengthDelimited).string(field).tag(2, WireType.LengthDelimited).string(description).finish());
    }
    list.push(any("BadRequest", bad));
  }
  if (details.retryMs !== undefined) {
    const delay = new BinaryWriter().tag(2, WireType.Varint).int32(details.retryMs * 1e6).finish();
    list.push(any("RetryInfo", new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(delay)));
  }
  const writer = new BinaryWriter().tag(1, WireType.Varint).int32(code).tag(2, WireType.LengthDelimited).string(message);
  for (const detail of list) writer.tag(3, WireType.LengthDelimited).bytes(detail);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(writer.finish()));
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function definitionOf(service: DescService, method: DescMethod): object {
  const write = (schema: DescMethod["input"]) => (message: AnyMessage) => Buffer.from(toBinary(schema, create(schema, message)));
  const read = (schema: DescMethod["input"]) => (bytes: Buffer) => fromBinary(schema, bytes);
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: method.methodKind === "bidi_streaming" || method.methodKind === "client_streaming",
    responseStream: method.methodKind === "bidi_streaming" || method.methodKind === "server_streaming",
    requestSerialize: write(method.input),
    requestDeserialize: read(method.input),
    responseSerialize: write(method.output),
    responseDeserialize: read(method.output),
  };
}
