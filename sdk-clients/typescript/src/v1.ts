/** The generated stubs, to be used alone, and the bridge that calls services with grpc-js. */

export * from "./gen/everturn/v1/activity_pb.js";
export * from "./gen/everturn/v1/command_pb.js";
export * from "./gen/everturn/v1/conversation_service_pb.js";
export * from "./gen/everturn/v1/error_reason_pb.js";
export * from "./gen/everturn/v1/event_pb.js";
export * from "./gen/everturn/v1/failure_pb.js";
export * from "./gen/everturn/v1/message_pb.js";
export * from "./gen/everturn/v1/payload_pb.js";
export * from "./gen/everturn/v1/policy_pb.js";
export * from "./gen/everturn/v1/task_queue_service_pb.js";
export * from "./gen/everturn/v1/turn_pb.js";
export * from "./gen/everturn/v1/waiting_pb.js";
export * from "./gen/everturn/v1/worker_service_pb.js";
export * from "./gen/everturn/v1/workflow_service_pb.js";
export { type ConnectOptions } from "./grpc/channel.js";
export { connectStub, type Stub, type StubCallOptions, stubOf } from "./grpc/stub.js";
