/** Everturn for TypeScript: conversations, workflows, activities, workers and a client. */

export { type ActivityContext, type CancelReason } from "./activity-context.js";
export {
  type Activity,
  type ActivityFunction,
  type ActivityOptions,
  defineActivity,
  implementActivity,
  type ImplementedActivity,
  type RetryOptions,
} from "./activity.js";
export { Client, type ClientOptions } from "./client/client.js";
export {
  type ConversationInfo,
  type ConversationStatus,
  type ConversationUpdate,
  type CurrentTurn,
  type OnBusy,
  type TurnPolicy,
  type TurnStatus,
} from "./client/conversation-models.js";
export { type ConversationClient, type SubmitOptions, type SubmittedMessage, type WatchOptions } from "./client/conversations.js";
export { type RetrySettings } from "./client/retry.js";
export { type PendingActivity, type RunStatus, type WorkflowDescription, type WorkflowRun } from "./client/workflow-models.js";
export { type RunChoice, type StartedWorkflow, type StartOptions, type WorkflowClient } from "./client/workflows.js";
export {
  type ActivityStepOptions,
  type ChildOptions,
  type InputArguments,
  type ReplyOptions,
  type RunInfo,
  type StateAccess,
  type Step,
  type StepOptions,
  type Turn,
  type TurnContext,
  type WorkflowContext,
} from "./context.js";
export { type Duration, type DurationText } from "./duration.js";
export {
  ActivityError,
  ApplicationError,
  type ApplicationErrorOptions,
  CanceledError,
  ChildError,
  EverturnError,
  type FieldViolation,
  LocalError,
  PayloadError,
  ReplayError,
  type RpcCode,
  RpcError,
  type RpcErrorDetails,
  SignalError,
  StepError,
  TurnInterruptedError,
  type UnsuccessfulStatus,
  WaitTimeoutError,
  WorkflowError,
} from "./errors.js";
export { type FailureInfo, type FailureKindName } from "./failure.js";
export { type ConnectOptions } from "./grpc/channel.js";
export { type Logger, type LogFields, silentLogger, stderrLogger } from "./logger.js";
export { type AuthorKindName, type Content, type Message, textOf } from "./message.js";
export { jsonConverter, type PayloadConverter } from "./payload.js";
export { type Program } from "./replay/run.js";
export { Worker, type WorkerOptions } from "./worker/worker.js";
export {
  type Conversation,
  type ConversationOptions,
  declareWorkflow,
  defineConversation,
  defineSignal,
  defineWorkflow,
  type Signal,
  type Workflow,
  type WorkflowFunction,
  type WorkflowType,
} from "./workflow.js";
