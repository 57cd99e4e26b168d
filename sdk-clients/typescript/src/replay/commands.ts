/** Commands: what a run asks the coordinator to do, as messages of the protocol. */

import { create } from "@bufbuild/protobuf";
import { type ActivityOptions, toPbActivityOptions } from "../activity.js";
import type { ChildOptions, ReplyOptions } from "../context.js";
import { type Duration, milliseconds, toPbDuration } from "../duration.js";
import { type Command, CommandSchema, type SendMessage, SendMessageSchema } from "../gen/everturn/v1/command_pb.js";
import type { Failure } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { type Content, toPbContent } from "../message.js";
import type { PayloadConverter } from "../payload.js";

/** Longest timer. */
const DELAY_MS_MAX = 10 * 365 * 86_400_000;

/** Run an activity. */
export function scheduleActivity(key: string, activityType: string, input: Payload, options: ActivityOptions): Command {
  return create(CommandSchema, {
    key,
    kind: {
      case: "scheduleActivity",
      value: { activityType, input, ...(isEmpty(options) ? {} : { options: toPbActivityOptions(options) }) },
    },
  });
}

/** Wake the run after a while. */
export function startTimer(key: string, duration: Duration): Command {
  if (milliseconds(duration) > DELAY_MS_MAX) throw new RangeError("a run sleeps at most 10 years");
  return create(CommandSchema, { key, kind: { case: "startTimer", value: { delay: toPbDuration(duration) } } });
}

/** Start a child workflow. */
export function startChild(key: string, workflowType: string, input: Payload, options: ChildOptions): Command {
  const timeout = options.executionTimeout;
  return create(CommandSchema, {
    key,
    kind: {
      case: "startChild",
      value: {
        workflowType,
        input,
        taskQueue: options.taskQueue ?? "",
        ...(timeout === undefined ? {} : { executionTimeout: toPbDuration(timeout) }),
      },
    },
  });
}

/** Record how a local step ended. */
export function recordLocal(key: string, seenEventId: number, outcome: Payload | Failure): Command {
  const isFailure = outcome.$typeName === "everturn.v1.Failure";
  return create(CommandSchema, {
    key,
    kind: {
      case: "recordLocal",
      value: {
        seenEventId: BigInt(seenEventId),
        outcome: isFailure ? { case: "failure", value: outcome } : { case: "result", value: outcome },
      },
    },
  });
}

/** A message to the customer. */
export function draft(content: string | Content, options: ReplyOptions, converter: PayloadConverter): SendMessage {
  return create(SendMessageSchema, {
    channel: options.channel ?? "",
    authorName: options.author ?? "",
    content: toPbContent(content, converter),
  });
}

/** Send a message to the customer. */
export function sendMessage(key: string, message: SendMessage): Command {
  return create(CommandSchema, { key, kind: { case: "sendMessage", value: message } });
}

/** Wait for the customer. */
export function ask(key: string, message: SendMessage | undefined): Command {
  return create(CommandSchema, { key, kind: { case: "ask", value: message === undefined ? {} : { message } } });
}

/** Write or remove an entry of the state. */
export function setState(key: string, name: string, value: Payload | undefined): Command {
  return create(CommandSchema, { key, kind: { case: "setState", value: value === undefined ? { name } : { name, value } } });
}

/** Send a signal. */
export function sendSignal(key: string, workflowId: string, signalName: string, input: Payload): Command {
  return create(CommandSchema, { key, kind: { case: "sendSignal", value: { workflowId, signalName, input } } });
}

/** Cancel a pending step. */
export function cancelCommand(targetKey: string): Command {
  return create(CommandSchema, { kind: { case: "cancelCommand", value: { targetKey } } });
}

/** Close the run: it succeeded. */
export function completeRun(result: Payload | undefined): Command {
  return create(CommandSchema, { kind: { case: "completeRun", value: result === undefined ? {} : { result } } });
}

/** Close the run: it failed. */
export function failRun(failure: Failure): Command {
  return create(CommandSchema, { kind: { case: "failRun", value: { failure } } });
}

/** Close the run: it was asked to stop. */
export function cancelRun(failure: Failure): Command {
  return create(CommandSchema, { kind: { case: "cancelRun", value: { failure } } });
}

function isEmpty(options: ActivityOptions): boolean {
  return Object.keys(options).length === 0;
}
