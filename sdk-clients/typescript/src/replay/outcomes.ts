/** How steps end: notifications and local results, turned into results and errors for the code. */

import { ActivityError, CanceledError, ChildError, CommandError, LocalError, QuestionSuppressedError, SignalError, type UnsuccessfulStatus } from "../errors.js";
import { failureInfo, plainFailure } from "../failure.js";
import { type HistoryEvent, RunStatus } from "../gen/everturn/v1/event_pb.js";
import { type Failure, FailureKind } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { fromPbMessage } from "../message.js";
import { decodeOptional, jsonConverter, type PayloadConverter } from "../payload.js";
import { fromPbApprovalOutcome } from "../person.js";
import type { StepKind } from "./journal.js";
import { suppressReason } from "./suppress-reasons.js";
import type { Wait } from "./waits.js";

/** A step that the code asked for and that has not ended. */
export interface OpenStep {
  readonly kind: StepKind;
  /** What it is about: the activity's name, the workflow's type. */
  readonly subject: string;
  readonly wait: Wait<unknown>;
}

/** The end of a step. */
export interface StepOutcome {
  readonly key: string;
  /** Tells the code. */
  readonly settle: (step: OpenStep, converter: PayloadConverter) => void;
}

/** Statuses of closed runs, as errors name them. */
export const STATUS_NAMES: Readonly<Partial<Record<RunStatus, UnsuccessfulStatus>>> = {
  [RunStatus.FAILED]: "failed",
  [RunStatus.CANCELED]: "canceled",
  [RunStatus.TERMINATED]: "terminated",
  [RunStatus.TIMED_OUT]: "timed out",
};

/** The end of a step that an event tells of; `undefined` if it tells of none. */
export function outcomeOf({ kind }: HistoryEvent): StepOutcome | undefined {
  switch (kind.case) {
    case "activityCompleted": {
      const { key, result } = kind.value;
      return { key, settle: ({ wait }, converter) => { resolveWith(wait, result, converter); } };
    }
    case "activityFailed": {
      const { key, failure, attempt } = kind.value;
      return {
        key,
        settle: ({ wait, subject }, converter) => {
          wait.reject(new ActivityError(key, failureInfo(failure ?? unknownFailure(), converter), subject, attempt));
        },
      };
    }
    case "timerFired":
      return { key: kind.value.key, settle: ({ wait }) => { wait.resolve(undefined); } };
    case "childClosed": {
      const { key, status, result, failure } = kind.value;
      return {
        key,
        settle: ({ wait }, converter) => {
          if (status === RunStatus.COMPLETED) {
            resolveWith(wait, result, converter);
          } else {
            wait.reject(new ChildError(key, failureInfo(failure ?? unknownFailure(), converter), STATUS_NAMES[status] ?? "failed"));
          }
        },
      };
    }
    case "askAnswered": {
      const { key, messages, earlierMessageCount } = kind.value;
      return {
        key,
        settle: ({ wait }, converter) => {
          resolveLazily(wait, () => messages.map((it, index) => ({ ...fromPbMessage(it, converter), isEarlier: index < earlierMessageCount })));
        },
      };
    }
    case "approvalDecided": {
      const { key, outcome, decider, comment, arguments: payload } = kind.value;
      return {
        key,
        settle: ({ wait }, converter) => {
          const name = fromPbApprovalOutcome(outcome) ?? "rejected";
          const isApproved = name === "approved" || name === "approvedWithChanges";
          resolveLazily(wait, () => ({ outcome: name, decider, comment, ...(isApproved ? { arguments: decodeOptional(converter, payload) } : {}) }));
        },
      };
    }
    case "handedBack": {
      const { key, authorName: by, note, messages } = kind.value;
      return {
        key,
        settle: ({ wait }, converter) => {
          resolveLazily(wait, () => ({ by, note, messages: messages.map((it) => fromPbMessage(it, converter)) }));
        },
      };
    }
    case "signalDelivered": {
      const { key, failure } = kind.value;
      return {
        key,
        settle: ({ wait }, converter) => {
          if (failure === undefined) wait.resolve(undefined);
          else wait.reject(new SignalError(key, failureInfo(failure, converter)));
        },
      };
    }
    case "commandFailed": {
      const { key, failure } = kind.value;
      return { key, settle: ({ wait }) => { wait.reject(refusal(key, failure ?? unknownFailure())); } };
    }
    default:
      return undefined;
  }
}

/** The error of a step that could not be carried out. */
function refusal(key: string, failure: Failure): Error {
  if (failure.type !== "QUESTION_SUPPRESSED") return commandError(failure);
  const { details, message } = failureInfo(failure, jsonConverter);
  const { reason } = (details ?? {}) as { readonly reason?: unknown };
  return new QuestionSuppressedError(key, message, suppressReason(reason));
}

/** The error of a command that the coordinator could not carry out. */
export function commandError(failure: Failure): CommandError {
  const { details, type, message } = failureInfo(failure, jsonConverter);
  const { field, limit } = (details ?? {}) as { readonly field?: unknown; readonly limit?: unknown };
  const rule = type === "LIMIT_EXCEEDED" || type === "FIELD_INVALID" ? type : "COMMAND_INVALID";
  return new CommandError(rule, message, typeof field === "string" ? field : "", typeof limit === "number" ? limit : undefined);
}

/** The end of a local step. */
export function localOutcome(key: string, outcome: Payload | Failure | undefined): StepOutcome {
  return {
    key,
    settle: ({ wait }, converter) => {
      if (outcome?.$typeName !== "everturn.v1.Failure") {
        resolveWith(wait, outcome, converter);
      } else if (outcome.kind === FailureKind.CANCELED) {
        wait.reject(new CanceledError(outcome.message));
      } else {
        wait.reject(new LocalError(key, failureInfo(outcome, converter)));
      }
    },
  };
}

function resolveWith(wait: Wait<unknown>, result: Payload | undefined, converter: PayloadConverter): void {
  resolveLazily(wait, () => decodeOptional(converter, result));
}

/** Ends a step with a value, or with the error that it cannot be read. */
function resolveLazily(wait: Wait<unknown>, read: () => unknown): void {
  try {
    wait.resolve(read());
  } catch (error) {
    wait.reject(error);
  }
}

function unknownFailure(): Failure {
  return plainFailure(FailureKind.APPLICATION, "Unknown", "no failure was recorded");
}
