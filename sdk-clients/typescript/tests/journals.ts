/** Journals for tests: events with ids and times, and runs that are driven by hand. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { jsonConverter, silentLogger, type Logger } from "../src/index.js";
import { type HistoryEvent, HistoryEventSchema } from "../src/gen/everturn/v1/event_pb.js";
import { TurnCause, TurnInputSchema } from "../src/gen/everturn/v1/turn_pb.js";
import { AuthorKind, type Message, MessageSchema } from "../src/gen/everturn/v1/message_pb.js";
import { toPbTime } from "../src/duration.js";
import type { Program, Progress } from "../src/replay/program.js";
import { Run } from "../src/replay/run.js";
import { event } from "../src/testing/test-run.js";

export { event };

export const json = (value: unknown): ReturnType<typeof jsonConverter.encode> => jsonConverter.encode(value);

/** Events with ids from `firstId`, a second apart. */
export function journal(kinds: readonly ReturnType<typeof event>[], firstId = 1): HistoryEvent[] {
  return kinds.map((kind, index) => {
    const id = firstId + index;
    return create(HistoryEventSchema, { id: BigInt(id), time: toPbTime(id * 1000), kind });
  });
}

export const started = (input?: unknown): ReturnType<typeof event> =>
  event("runStarted", { workflowType: "test", taskQueue: "default", input: json(input) });

export const startedTurn = (...texts: string[]): ReturnType<typeof event> =>
  startedWith({ messages: texts.map((text, index) => message(text, index + 1)) });

/** A turn with anything in its input. */
export const startedWith = (input: MessageInitShape<typeof TurnInputSchema>): ReturnType<typeof event> =>
  event("runStarted", {
    workflowType: "test",
    taskQueue: "default",
    turn: create(TurnInputSchema, {
      conversationId: "c",
      conversationType: "test",
      number: 1n,
      cause: TurnCause.MESSAGE,
      state: { name: json("Ada") },
      replyChannel: "chat",
      ...input,
    }),
  });

export function message(text: string, sequence = 1): Message {
  return create(MessageSchema, { sequence: BigInt(sequence), authorKind: AuthorKind.CUSTOMER, channel: "chat", content: { text } });
}

export const scheduled = (key: string, activityType = key): ReturnType<typeof event> => event("activityScheduled", { key, activityType });
export const completed = (key: string, value: unknown = null): ReturnType<typeof event> =>
  event("activityCompleted", { key, result: json(value), attempt: 1 });
export const fired = (key: string): ReturnType<typeof event> => event("timerFired", { key });
export const signaled = (name: string, input: unknown): ReturnType<typeof event> =>
  event("signalReceived", { signalName: name, input: json(input) });

/** A run that is driven by hand. */
export function runOf(program: Program, options: { isStrict?: boolean; logger?: Logger; runId?: string } = {}): Run {
  return new Run(program, { workflowId: "w", runId: options.runId ?? "r" }, {
    converter: jsonConverter,
    logger: options.logger ?? silentLogger,
    isStrict: options.isStrict ?? false,
  });
}

/** What a run asked for, in short: `"schedule a"`, `"complete 3"`. */
export function wanted(progress: Progress): string[] {
  return progress.commands.map(({ key, kind }) => {
    switch (kind.case) {
      case "scheduleActivity":
        return `schedule ${key}`;
      case "startTimer":
        return `timer ${key}`;
      case "startChild":
        return `child ${key}`;
      case "recordLocal":
        return `local ${key} after ${String(kind.value.seenEventId)}`;
      case "sendMessage":
        return `send ${key}: ${kind.value.content?.text ?? ""}`;
      case "ask":
        return `ask ${key}: ${kind.value.message?.content?.text ?? ""}`;
      case "setState":
        return `set ${kind.value.name}`;
      case "sendSignal":
        return `signal ${key}`;
      case "requestApproval":
        return `approval ${key}: ${kind.value.title} ${new TextDecoder().decode(kind.value.arguments?.data)}`;
      case "handOff":
        return `hand off ${key}: ${kind.value.assignee?.kind.value ?? ""}`;
      case "cancelCommand":
        return `cancel ${kind.value.targetKey}`;
      case "completeRun":
        return `complete ${new TextDecoder().decode(kind.value.result?.data)}`;
      case "failRun":
        return `fail ${kind.value.failure?.type ?? ""}: ${kind.value.failure?.message ?? ""}`;
      case "cancelRun":
        return "cancel run";
      default:
        return "?";
    }
  });
}
