/** A run in memory: its journal, and what a coordinator would do with its commands. */

import { create } from "@bufbuild/protobuf";
import { fromPbDuration, toPbTime } from "../duration.js";
import { plainFailure } from "../failure.js";
import type { Command, RequestApproval, SendMessage } from "../gen/everturn/v1/command_pb.js";
import { ApprovalOutcome, type HistoryEvent, HistoryEventSchema, type RunClosed, RunStatus, SuppressReason } from "../gen/everturn/v1/event_pb.js";
import { type Failure, FailureKind } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { jsonConverter } from "../payload.js";
import type { Program, RunSettings } from "../replay/program.js";
import { Run } from "../replay/run.js";

/** How long quiet hours last in tests. */
const NIGHT_MS = 8 * 3_600_000;

/** What the environment does for a run. */
export interface TestRunHost {
  readonly nowMs: () => number;
  readonly settings: RunSettings;
  /** Runs an activity and says how it ended. */
  activity(run: TestRun, key: string, activityType: string, input: Payload | undefined): void;
  /** Starts a child; its run id. */
  child(run: TestRun, key: string, workflowType: string, input: Payload | undefined): string;
  timer(run: TestRun, key: string, delayMs: number): void;
  /** Asks the customer. */
  ask(run: TestRun, key: string): void;
  /** A message leaves; its position and its channel. */
  message(run: TestRun, key: string, message: SendMessage): { sequence: number; channel: string };
  /** Why messages are kept in although no fence is closed. */
  suppressReason(run: TestRun): SuppressReason | undefined;
  /** Asks a person. */
  approval(run: TestRun, key: string, request: RequestApproval): void;
  /** A person takes over. */
  handOff(run: TestRun, key: string): void;
  /** Sends a signal; why it could not be delivered. */
  signal(workflowId: string, name: string, input: Payload | undefined): Failure | undefined;
  /** A step is given up. */
  cancel(run: TestRun, key: string): void;
  closed(run: TestRun): void;
}

/** The kind of an event. */
export type EventKind = Exclude<HistoryEvent["kind"], { case: undefined }>;

/** One run in memory. */
export class TestRun {
  readonly events: HistoryEvent[] = [];
  readonly state = new Map<string, Payload>();
  closed: RunClosed | undefined;
  isInterrupted = false;
  /** Steps that have not ended, with their kind. */
  readonly open = new Map<string, string>();
  readonly #run: Run;
  readonly #keys = new Set<string>();
  #given = 0;

  constructor(
    readonly program: Program,
    readonly workflowId: string,
    readonly runId: string,
    private readonly host: TestRunHost,
    readonly parent: { readonly run: TestRun; readonly key: string } | undefined,
  ) {
    this.#run = new Run(program, { workflowId, runId }, host.settings);
  }

  /** Whether its code has something to do. */
  get hasNews(): boolean {
    return this.closed === undefined && this.#given < this.events.length;
  }

  /** Adds an event to the journal. */
  append(kind: EventKind): void {
    if (this.closed !== undefined) return;
    if ("key" in kind.value && isEnd(kind.case)) {
      if (!this.open.delete(kind.value.key)) return;
    }
    const id = BigInt(this.events.length + 1);
    this.events.push(create(HistoryEventSchema, { id, time: toPbTime(this.host.nowMs()), kind }));
    if (kind.case === "turnInterrupted") this.isInterrupted = true;
    if (kind.case === "runClosed") {
      this.closed = kind.value;
      this.host.closed(this);
    }
  }

  /** Lets the code go on with what is new. */
  async advance(): Promise<void> {
    const first = this.#given === 0;
    // A task leaves out the records of the run's own commands; a worker reads them when it needs them.
    const { recordsAfter } = this.#run.outbox;
    const news =
      recordsAfter === undefined
        ? this.events.slice(this.#given).filter((event) => first || !isRecord(event))
        : this.events.slice(recordsAfter);
    this.#given = this.events.length;
    let progress = await this.#run.advance(news);
    // A run does not close while it has not read everything.
    while (progress.isClosing && this.events.length > this.#given) {
      const unread = this.events.slice(this.#given);
      this.#given = this.events.length;
      progress = await this.#run.reopen(unread);
    }
    for (const command of progress.commands) this.#carryOut(command);
    // Records are no news.
    for (let next = this.events[this.#given]; next !== undefined && isRecord(next); next = this.events[this.#given]) this.#given += 1;
  }

  #carryOut({ key, kind }: Command): void {
    if (key !== "" && this.#keys.has(key)) return;
    if (key !== "") this.#keys.add(key);
    const { host } = this;
    switch (kind.case) {
      case "scheduleActivity": {
        const { activityType, input, options } = kind.value;
        this.open.set(key, "activity");
        this.append(event("activityScheduled", { key, activityType, ...only("input", input), ...only("options", options) }));
        host.activity(this, key, activityType, input);
        break;
      }
      case "startTimer": {
        const delayMs = fromPbDuration(kind.value.delay);
        this.open.set(key, "timer");
        this.append(event("timerStarted", { key, fireTime: toPbTime(host.nowMs() + delayMs) }));
        host.timer(this, key, delayMs);
        break;
      }
      case "startChild": {
        const { workflowType, input } = kind.value;
        this.open.set(key, "child");
        const workflowId = `${this.workflowId}/${key}`;
        const position = this.events.length;
        this.append(event("childStarted", { key, workflowType, workflowId }));
        const runId = host.child(this, key, workflowType, input);
        const started = this.events[position];
        if (started?.kind.case === "childStarted") started.kind.value.runId = runId;
        break;
      }
      case "recordLocal":
        this.append(event("localRecorded", { key, seenEventId: kind.value.seenEventId, outcome: kind.value.outcome }));
        break;
      case "sendMessage":
        this.#send(key, kind.value);
        break;
      case "ask":
        this.#ask(key, kind.value.message);
        break;
      case "setState": {
        const { name, value } = kind.value;
        const suppressed = this.#fence() !== undefined;
        if (suppressed) {
          // A fence keeps it out of the state.
        } else if (value === undefined) this.state.delete(name);
        else this.state.set(name, value);
        this.append(event("stateSet", { key, name, suppressed, ...only("value", value) }));
        break;
      }
      case "sendSignal": {
        const { workflowId, signalName, input } = kind.value;
        this.open.set(key, "signal");
        this.append(event("signalScheduled", { key, workflowId, signalName, ...only("input", input) }));
        const failure = host.signal(workflowId, signalName, input);
        this.append(event("signalDelivered", { key, ...only("failure", failure) }));
        break;
      }
      case "requestApproval": {
        const { expiresAfter } = kind.value;
        const expireTime = expiresAfter === undefined ? undefined : toPbTime(host.nowMs() + fromPbDuration(expiresAfter));
        this.open.set(key, "approval");
        this.append(event("approvalRequested", { key, approvalId: `${this.workflowId}/${key}`, ...only("expireTime", expireTime) }));
        host.approval(this, key, kind.value);
        break;
      }
      case "handOff":
        this.open.set(key, "hand-off");
        this.append(event("handedOff", { key }));
        if (this.isInterrupted) this.append(event("handedBack", { key, note: "the turn was superseded" }));
        else host.handOff(this, key);
        break;
      case "noReply":
        this.append(event("noReplyRecorded", { key, reason: kind.value.reason, suppressed: this.#fence() !== undefined }));
        break;
      case "closeConversation":
        this.append(event("closeRecorded", { key, reason: kind.value.reason, suppressed: this.#fence() !== undefined }));
        break;
      case "recordProblem":
        this.append(event("problemRecorded", { key, ...only("failure", kind.value.failure) }));
        break;
      case "cancelCommand":
        this.#cancel(kind.value.targetKey);
        break;
      case "completeRun":
        this.append(event("runClosed", { status: RunStatus.COMPLETED, ...only("result", kind.value.result) }));
        break;
      case "failRun":
        this.append(event("runClosed", { status: RunStatus.FAILED, ...only("failure", kind.value.failure) }));
        break;
      case "cancelRun":
        this.append(event("runClosed", { status: RunStatus.CANCELED, ...only("failure", kind.value.failure) }));
        break;
      default:
    }
  }

  /** A question that is kept in fails; one that is held is not answered before the night is over. */
  #ask(key: string, message: SendMessage | undefined): void {
    this.open.set(key, "ask");
    const said = message === undefined ? this.#fence() : this.#send(`${key}/message`, message);
    if (said === undefined || said === SuppressReason.QUIET_HOURS) {
      this.append(event("askOpened", { key, isHeld: said !== undefined }));
      if (said === undefined) this.host.ask(this, key);
      return;
    }
    const failure = plainFailure(FailureKind.APPLICATION, "QUESTION_SUPPRESSED", "the question was not sent");
    failure.details = jsonConverter.encode({ reason: SuppressReason[said] });
    this.append(event("commandFailed", { key, failure }));
  }

  /** Sends a message; what kept it in. */
  #send(key: string, message: SendMessage): SuppressReason | undefined {
    const reason = this.#fence() ?? this.host.suppressReason(this);
    const { channel } = message;
    if (reason === SuppressReason.QUIET_HOURS) {
      const untilTime = toPbTime(this.host.nowMs() + NIGHT_MS);
      this.append(event("messageHeld", { key, channel, untilTime, ...only("content", message.content) }));
      return reason;
    }
    if (reason !== undefined) {
      this.append(event("messageSuppressed", { key, reason, channel, ...only("content", message.content) }));
      return reason;
    }
    const position = this.events.length;
    this.append(event("messageSent", { key }));
    const left = this.host.message(this, key, message);
    const sent = this.events[position];
    if (sent?.kind.case === "messageSent") Object.assign(sent.kind.value, { messageSequence: BigInt(left.sequence), channel: left.channel });
    return undefined;
  }

  /** What keeps in what the turn says and writes. */
  #fence(): SuppressReason | undefined {
    if ([...this.open.values()].includes("hand-off")) return SuppressReason.HUMAN_OWNS;
    return this.isInterrupted ? SuppressReason.TURN_SUPERSEDED : undefined;
  }

  #cancel(targetKey: string): void {
    this.append(event("commandCanceled", { targetKey }));
    const kind = this.open.get(targetKey);
    this.host.cancel(this, targetKey);
    if (kind === "activity") {
      const failure = plainFailure(FailureKind.CANCELED, "Canceled", "canceled on request");
      this.append(event("activityFailed", { key: targetKey, failure }));
    }
    if (kind === "approval") this.append(event("approvalDecided", { key: targetKey, outcome: ApprovalOutcome.WITHDRAWN }));
    if (kind === "timer" || kind === "ask") this.open.delete(targetKey);
  }
}

type Init<Case extends EventKind["case"]> = Partial<Omit<Extract<EventKind, { case: Case }>["value"], "$typeName" | "$unknown">>;

/** Makes the kind of an event. */
export function event<Case extends EventKind["case"]>(name: Case, value: Init<Case>): EventKind {
  const { kind } = create(HistoryEventSchema, { kind: { case: name, value } as never });
  return kind as EventKind;
}

function only<Name extends string, T>(name: Name, value: T | undefined): Partial<Record<Name, T>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, T>>);
}

const ENDS: readonly EventKind["case"][] = [
  "activityCompleted", "activityFailed", "timerFired", "childClosed", "askAnswered", "signalDelivered", "approvalDecided", "handedBack",
];
const NEWS: readonly EventKind["case"][] = [
  ...ENDS, "runStarted", "signalReceived", "cancelRequested", "turnInterrupted", "messagesArrived", "eventsArrived", "deliveryChanged", "commandFailed",
];

function isEnd(kind: EventKind["case"]): boolean {
  return ENDS.includes(kind);
}

function isRecord({ kind }: HistoryEvent): boolean {
  return kind.case !== undefined && !NEWS.includes(kind.case);
}
