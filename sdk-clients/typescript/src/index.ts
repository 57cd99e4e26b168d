/** Everturn for TypeScript: conversations, workflows, activities, workers and a client. */

export type { Attachment } from "./attachment.js";
export { type ActivityContext, type CancelReason } from "./activity-context.js";
export type { Schema } from "./schema.js";
export type { TaskQueue, TaskQueueClient } from "./client/task-queues.js";
export type { WaitInfo, WaitReason } from "./client/waiting.js";
export {
  type Activity,
  type ActivityFunction,
  type ActivityOptions,
  defineActivity,
  implementActivity,
  type ImplementedActivity,
  type RetryOptions,
  type ActivitySchemas,
} from "./activity.js";
export { Client, type ClientOptions } from "./client/client.js";
export { type Approval, type ApprovalStatus, type Decision } from "./client/approval-models.js";
export { type ApprovalClient, hashArguments } from "./client/approvals.js";
export {
  type ConversationInfo,
  type ConversationStatus,
  type ConversationTypeSettings,
  type CurrentTurn,
  type EndedTurn,
  type FailedAddress,
  type Handover,
  type Pause,
  type TurnStatus,
} from "./client/conversation-models.js";
export type {
  Contact,
  ConversationChanges,
  ConversationFilter,
  HumanMessageOptions,
  ImportedMessage,
  ImportOptions,
  InboundMessageName,
  ListMessagesOptions,
  MessageChange,
  SentHumanMessage,
  SubmitEventOptions,
  SubmitOptions,
  SubmittedEvent,
  SubmittedMessage,
  TypingOptions,
} from "./client/conversation-options.js";
export { type ConversationClient } from "./client/conversations.js";
export { type RetrySettings } from "./client/retry.js";
export { type ConversationUpdate, type OutputCursor, type WatchOptions } from "./client/watch.js";
export { type PendingActivity, type PendingApproval, type RunStatus, type WorkflowDescription, type WorkflowRun } from "./client/workflow-models.js";
export type { RunChoice, StartedWorkflow, StartOptions, WaitOptions, WorkflowClient } from "./client/workflows.js";
export {
  type ActivityStepOptions,
  type ChildOptions,
  type InputArguments,
  type RunInfo,
  type StateAccess,
  type Step,
  type StepOptions,
  type WorkflowContext,
} from "./context.js";
export {
  type BoundEventHandler,
  type Conversation,
  type ConversationOptions,
  defineConversation,
  type EventHandler,
  handleEvent,
  type TurnHandler,
} from "./conversation.js";
export {
  type Delivery,
  type DeliveryAction,
  type DeliveryFunction,
  type DeliveryOptions,
  type DeliveryReceipt,
  type ImplementedDelivery,
  implementDelivery,
  type InReplyTo,
  type ShowTyping,
} from "./delivery.js";
export type { DeliveryState, DeliveryStatus } from "./delivery-state.js";
export { type Duration, type DurationText } from "./duration.js";
export {
  ActivityError,
  ApplicationError,
  type ApplicationErrorOptions,
  CanceledError,
  ChildError,
  CommandError,
  type CommandRule,
  DeliveryUnknownError,
  EverturnError,
  type FieldViolation,
  LocalError,
  NotDurableError,
  PayloadError,
  QuestionSuppressedError,
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
export { type ConversationEvent, defineEvent, type EventType } from "./event.js";
export { type FailureInfo, type FailureKindName } from "./failure-info.js";
export { type ConnectOptions } from "./grpc/channel.js";
export { type Logger, type LogFields, silentLogger, stderrLogger } from "./logger.js";
export { type AuthorKindName, type Content, type Message, type MessageOrigin, textOf } from "./message.js";
export { jsonConverter, type PayloadConverter } from "./payload.js";
export {
  type ApprovalOutcome,
  type ApprovalRequest,
  type ApprovalResult,
  type Assignee,
  type HandBack,
  type HandOffRequest,
} from "./person.js";
export {
  type Budget,
  type ChannelPolicy,
  type ClockTime,
  type FrequencyCap,
  type HandoffTimeout,
  type OnAutomatic,
  type OnBusy,
  type OnClosed,
  type OnEdit,
  type OnErased,
  type OnHumanMessage,
  type OnTurnFailure,
  type OptOut,
  type QuietHours,
  type TurnCap,
  type TurnPolicy,
} from "./policy.js";
export { type Program } from "./replay/program.js";
export {
  type AnswerMessage,
  type AskOptions,
  type DeliveryOutcome,
  type InterruptedStep,
  type InterruptedTurns,
  type Reply,
  type ReplyOptions,
  type ReplyRecord,
  type Turn,
  type TurnCause,
  type TurnContext,
} from "./turn.js";
export type { SuppressReason } from "./suppress-reason.js";
export { type Usage } from "./usage.js";
export { Worker, type WorkerOptions } from "./worker/worker.js";
export { defineWorkflow, type Workflow, type WorkflowFunction } from "./workflow.js";
export { declareWorkflow, defineSignal, type Signal, type WorkflowType } from "./workflow-type.js";
export type { Typing, TypingNotice } from "./typing.js";
