/**
 * Commands: what a run asks the coordinator to do, as messages of the protocol. They are written as
 * literals: `create` costs several times as much, and this is the hot path.
 */

import { type ActivityOptions, toPbActivityOptions } from "../activity.js";
import type { ChildOptions } from "../context.js";
import { type Duration, milliseconds, toPbDuration } from "../duration.js";
import { CommandError } from "../errors.js";
import type { Command, SendMessage } from "../gen/everturn/v1/command_pb.js";
import type { Failure } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { type Content, toPbContent } from "../message.js";
import { encodeBounded, type PayloadConverter } from "../payload.js";
import { type ApprovalRequest, type HandOffRequest, toPbAssignee } from "../person.js";
import type { ReplyOptions } from "../turn.js";
import { checkedDraft, checkedName, checkedOptionalName, checkedReason, checkedTitle } from "./checks.js";

/** Longest timer. */
const DELAY_MS_MAX = 10 * 365 * 86_400_000;

/** Run an activity. */
export function scheduleActivity(key: string, activityType: string, input: Payload, options: ActivityOptions): Command {
  checkedName("activity", activityType);
  if (options.taskQueue !== undefined) checkedOptionalName("taskQueue", options.taskQueue);
  return command(key, {
    case: "scheduleActivity",
    value: {
      $typeName: "everturn.v1.ScheduleActivity",
      activityType,
      input,
      ...(isEmpty(options) ? {} : { options: toPbActivityOptions(options) }),
    },
  });
}

/** Wake the run after a while. */
export function startTimer(key: string, duration: Duration): Command {
  if (milliseconds(duration) > DELAY_MS_MAX) throw new CommandError("LIMIT_EXCEEDED", "a run sleeps at most 10 years", "duration", DELAY_MS_MAX);
  return command(key, { case: "startTimer", value: { $typeName: "everturn.v1.StartTimer", delay: toPbDuration(duration) } });
}

/** Start a child workflow. */
export function startChild(key: string, workflowType: string, input: Payload, options: ChildOptions): Command {
  const timeout = options.executionTimeout;
  checkedName("workflow", workflowType);
  checkedOptionalName("taskQueue", options.taskQueue ?? "");
  if (key.includes("/")) throw new CommandError("COMMAND_INVALID", `the key of a child holds no "/": give "${workflowType}" another key`, "key");
  return command(key, {
    case: "startChild",
    value: {
      $typeName: "everturn.v1.StartChild",
      workflowType,
      input,
      taskQueue: options.taskQueue ?? "",
      ...(timeout === undefined ? {} : { executionTimeout: toPbDuration(timeout) }),
    },
  });
}

/** Record how a local step ended. */
export function recordLocal(key: string, seenEventId: number, outcome: Payload | Failure): Command {
  const isFailure = outcome.$typeName === "everturn.v1.Failure";
  return command(key, {
    case: "recordLocal",
    value: {
      $typeName: "everturn.v1.RecordLocal",
      seenEventId: BigInt(seenEventId),
      outcome: isFailure ? { case: "failure", value: outcome } : { case: "result", value: outcome },
    },
  });
}

/** A message to the customer. */
export function draft(content: string | Content, options: ReplyOptions, converter: PayloadConverter, change: SendMessage["change"] = { case: undefined }): SendMessage {
  return checkedDraft({
    $typeName: "everturn.v1.SendMessage",
    channel: options.channel ?? "",
    authorName: options.author ?? "",
    content: toPbContent(content, converter),
    change,
  });
}

/** Send a message to the customer. */
export function sendMessage(key: string, message: SendMessage): Command {
  return command(key, { case: "sendMessage", value: message });
}

/** Wait for the customer. */
export function ask(key: string, message: SendMessage | undefined, acceptEarlier: boolean): Command {
  return command(key, { case: "ask", value: { $typeName: "everturn.v1.Ask", acceptEarlier, ...(message === undefined ? {} : { message }) } });
}

/** Write or remove an entry of the state. */
export function setState(key: string, name: string, value: Payload | undefined): Command {
  checkedName("name", name);
  return command(key, {
    case: "setState",
    value: value === undefined ? { $typeName: "everturn.v1.SetState", name } : { $typeName: "everturn.v1.SetState", name, value },
  });
}

/** Send a signal. */
export function sendSignal(key: string, workflowId: string, signalName: string, input: Payload): Command {
  checkedName("workflowId", workflowId);
  checkedName("signal", signalName);
  return command(key, { case: "sendSignal", value: { $typeName: "everturn.v1.SendSignal", workflowId, signalName, input } });
}

/**
 * Ask a person for approval.
 *
 * @throws CommandError if the title is empty or too long.
 */
export function requestApproval(key: string, request: ApprovalRequest<unknown>, converter: PayloadConverter): Command {
  const { title, details, expires } = request;
  checkedTitle(title);
  return command(key, {
    case: "requestApproval",
    value: {
      $typeName: "everturn.v1.RequestApproval",
      title,
      arguments: encodeBounded(converter, request.arguments, "arguments"),
      ...(details === undefined ? {} : { details: encodeBounded(converter, details, "details") }),
      ...(expires === undefined ? {} : { expiresAfter: toPbDuration(expires) }),
    },
  });
}

/**
 * Hand the conversation to a person or team.
 *
 * @throws CommandError if the reason is too long or nobody is named.
 */
export function handOff(key: string, request: HandOffRequest, converter: PayloadConverter): Command {
  const { reason = "", context } = request;
  checkedReason(reason);
  checkedName("assignee", request.person ?? request.team);
  return command(key, {
    case: "handOff",
    value: {
      $typeName: "everturn.v1.HandOff",
      assignee: toPbAssignee(request),
      reason,
      ...(context === undefined ? {} : { context: encodeBounded(converter, context, "context") }),
    },
  });
}

/** Say that the messages of the turn need no answer. */
export function noReply(key: string, reason: string): Command {
  checkedReason(reason);
  return command(key, { case: "noReply", value: { $typeName: "everturn.v1.NoReply", reason } });
}

/** End the conversation. */
export function closeConversation(key: string, reason: string): Command {
  checkedReason(reason);
  return command(key, { case: "closeConversation", value: { $typeName: "everturn.v1.CloseConversationCommand", reason } });
}

/** Record that something went wrong that the code does not look at. */
export function recordProblem(key: string, failure: Failure): Command {
  return command(key, { case: "recordProblem", value: { $typeName: "everturn.v1.RecordProblem", failure } });
}

/** Cancel a pending step. */
export function cancelCommand(targetKey: string): Command {
  return command("", { case: "cancelCommand", value: { $typeName: "everturn.v1.CancelCommand", targetKey } });
}

/** Close the run: it succeeded. */
export function completeRun(result: Payload | undefined): Command {
  return command("", {
    case: "completeRun",
    value: result === undefined ? { $typeName: "everturn.v1.CompleteRun" } : { $typeName: "everturn.v1.CompleteRun", result },
  });
}

/** Close the run: it failed. */
export function failRun(failure: Failure): Command {
  return command("", { case: "failRun", value: { $typeName: "everturn.v1.FailRun", failure } });
}

/** Close the run: it was asked to stop. */
export function cancelRun(failure: Failure): Command {
  return command("", { case: "cancelRun", value: { $typeName: "everturn.v1.CancelRun", failure } });
}

function command(key: string, kind: Command["kind"]): Command {
  return { $typeName: "everturn.v1.Command", key, kind };
}

function isEmpty(options: ActivityOptions): boolean {
  for (const _ in options) return false;
  return true;
}
