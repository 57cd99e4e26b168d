/** The context that a run's code gets: every call becomes a step of the run. */

import { type Activity, mergeOptions, toPbActivityOptions } from "../activity.js";
import type { ActivityStepOptions, ChildOptions, RunInfo, StateAccess, Step, StepOptions } from "../context.js";
import { type Duration, milliseconds } from "../duration.js";
import { CanceledError, CommandError, ReplayError } from "../errors.js";
import type { SendMessage } from "../gen/everturn/v1/command_pb.js";
import type { RunStarted } from "../gen/everturn/v1/event_pb.js";
import type { Logger } from "../logger.js";
import type { Content } from "../message.js";
import type { ApprovalRequest, ApprovalResult, HandBack, HandOffRequest } from "../person.js";
import type { AnswerMessage, AskOptions, DeliveryOutcome, Reply, ReplyOptions, ReplyRecord, TurnContext } from "../turn.js";
import type { Signal, WorkflowType } from "../workflow-type.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { encodeBounded } from "../payload.js";
import { parsed, type Schema } from "../schema.js";
import { CHILD_DEPTH, PENDING_APPROVALS, PENDING_TIMERS } from "../rules.js";
import { tooMany } from "./checks.js";
import * as commands from "./commands.js";
import type { StepKind } from "./journal.js";
import { RunState } from "./run-state.js";
import { runLogger } from "./run-logger.js";
import type { RunHost } from "./run-host.js";
import { siteOf } from "./sites.js";

type BoundedAskOptions = AskOptions & { readonly timeout?: Duration };

/** The context of one run. */
export class RunContext implements TurnContext {
  readonly info: RunInfo;
  readonly state: StateAccess;
  readonly log: Logger;
  readonly #run: RunHost;

  constructor(run: RunHost, started: RunStarted) {
    this.#run = run;
    this.info = {
      ...run.identity,
      workflowType: started.workflowType,
      taskQueue: started.taskQueue,
      parentWorkflowId: started.parentWorkflowId,
      startTime: new Date(run.timeMs),
    };
    this.state = new RunState(run, started.turn?.state ?? {});
    this.log = runLogger(run);
  }

  activity<Input, Output>(activity: string | Activity<Input, Output>, input?: unknown, options: ActivityStepOptions = {}): Step<Output> {
    const name = typeof activity === "string" ? activity : activity.name;
    const { key: chosen, ...own } = options;
    const merged = mergeOptions(typeof activity === "string" ? {} : activity.options, own);
    toPbActivityOptions(merged);
    return this.#step("activity", name, name, chosen, (key) =>
      commands.scheduleActivity(key, name, this.#encode(input, "args"), merged), typeof activity === "string" ? undefined : activity.schemas?.output);
  }

  child<Output>(workflow: string | WorkflowType<never, Output>, input?: unknown, options: ChildOptions = {}): Step<Output> {
    const type = typeof workflow === "string" ? workflow : workflow.type;
    const depth = this.info.workflowId.split("/").length - 1;
    if (depth >= CHILD_DEPTH) throw tooMany("child", `is ${String(depth + 1)} levels below its root`, CHILD_DEPTH);
    return this.#step("child", type, type, options.key, (key) =>
      commands.startChild(key, type, this.#encode(input, "args"), options), typeof workflow === "string" ? undefined : workflow.output);
  }

  sleep(duration: Duration, options: StepOptions = {}): Step<undefined> {
    milliseconds(duration);
    this.#bound("timer", PENDING_TIMERS);
    return this.#step("timer", "", "sleep", options.key, (key) => commands.startTimer(key, duration));
  }

  run<T>(name: string, fn: () => T | Promise<T>, options: StepOptions = {}): Step<T> {
    const run = this.#run;
    return this.#step("local step", "", name, options.key, (key) => {
      run.startLocal(key, fn);
      return undefined;
    });
  }

  signal(workflowId: string, signal: string | { readonly name: string }, input?: unknown, options: StepOptions = {}): Step<undefined> {
    const name = typeof signal === "string" ? signal : signal.name;
    return this.#step("signal", name, `signal:${name}`, options.key, (key) =>
      commands.sendSignal(key, workflowId, name, this.#encode(input, "input")));
  }

  onSignal<Input>(signal: string | Signal<Input>, handler: (input: Input) => unknown): void {
    const run = this.#run;
    run.checkActive();
    run.handlerCount += 1;
    const schema = typeof signal === "string" ? undefined : signal.schema;
    run.signals(typeof signal === "string" ? signal : signal.name).handle((input) => {
      run.call(() => handler(parsed(schema, input, "input")));
    });
  }

  waitSignal<Input>(signal: string | Signal<Input>): Step<Input> {
    const run = this.#run;
    run.checkActive();
    const name = typeof signal === "string" ? signal : signal.name;
    const { promise, cancel } = run.signals(name).take(run.waits);
    const schema = typeof signal === "string" ? undefined : signal.schema;
    const input = schema === undefined ? (promise as Promise<Input>) : promise.then((value) => parsed(schema, value, "input"));
    return this.#handle(input, name, () => {
      run.checkActive();
      cancel(new CanceledError(`the wait for the signal "${name}" was canceled`));
    });
  }

  requestApproval<Arguments>(request: ApprovalRequest<Arguments>): Step<ApprovalResult<Arguments>> {
    this.#bound("approval", PENDING_APPROVALS);
    return this.#step("approval", "", "approval", request.key, (key) => commands.requestApproval(key, request, this.#run.settings.converter));
  }

  handOff(request: HandOffRequest, options: StepOptions = {}): Step<HandBack> {
    this.#checkTurn("hand off");
    this.#only("hand-off", "this turn waits for a hand-back already");
    return this.#step("hand-off", "", "hand-off", options.key, (key) => commands.handOff(key, request, this.#run.settings.converter));
  }

  reply(content: string | Content, options: ReplyOptions = {}): Reply {
    return this.#say("reply", content, options);
  }

  edit(sequence: number, content: string | Content, options: ReplyOptions = {}): Reply {
    return this.#say("edit", content, options, { case: "editsSequence", value: BigInt(sequence) });
  }

  retract(sequence: number, options: ReplyOptions = {}): Reply {
    return this.#say("retract", "", options, { case: "retractsSequence", value: BigInt(sequence) });
  }

  #say(name: string, content: string | Content, options: ReplyOptions, change?: SendMessage["change"]): Reply {
    this.#checkTurn(name);
    const run = this.#run;
    const { key, isRecorded } = run.claim("message", "", name, options.key);
    if (!isRecorded) {
      run.push(this.#built(key, () => commands.sendMessage(key, commands.draft(content, options, run.settings.converter, change))));
    }
    const sentAfter = run.seenEventId;
    let record: Step<ReplyRecord> | undefined;
    const recorded = (): Step<ReplyRecord> => (record ??= this.#recorded(key, sentAfter));
    return { key, recorded, delivered: (status = "delivered") => this.#delivered(key, recorded, status) };
  }

  ask(question?: string | Content, options?: AskOptions): Step<readonly AnswerMessage[]>;
  ask(question: string | Content | undefined, options: AskOptions & { readonly timeout: Duration }): Step<readonly AnswerMessage[] | undefined>;
  ask(question?: string | Content, options: BoundedAskOptions = {}): Step<readonly AnswerMessage[] | undefined> {
    this.#checkTurn("ask");
    this.#only("ask", "another ask is open in this turn: cancel it first");
    const { converter } = this.#run.settings;
    const step = this.#step<readonly AnswerMessage[]>("ask", "", "ask", options.key, (key) =>
      commands.ask(key, question === undefined ? undefined : commands.draft(question, options, converter), options.acceptEarlier ?? false));
    return options.timeout === undefined ? step : this.#bounded(step, options.timeout);
  }

  noReply(reason: string, options: StepOptions = {}): void {
    this.#checkTurn("say that no reply is needed");
    const run = this.#run;
    const { key, isRecorded } = run.claim("no-reply", "", "no-reply", options.key);
    if (!isRecorded) run.push(this.#built(key, () => commands.noReply(key, reason)));
  }

  closeConversation(reason = "", options: StepOptions = {}): void {
    this.#checkTurn("end the conversation");
    const run = this.#run;
    const { key, isRecorded } = run.claim("close", "", "close", options.key);
    if (!isRecorded) run.push(this.#built(key, () => commands.closeConversation(key, reason)));
  }

  async shield<T>(fn: () => T | Promise<T>): Promise<T> {
    this.#run.checkActive();
    return this.#run.waits.shield(fn);
  }

  get isCanceled(): boolean {
    return this.#run.waits.error !== undefined;
  }

  now(): number {
    return this.#run.timeMs;
  }

  random(): number {
    this.#run.checkActive();
    return this.#run.random.number();
  }

  uuid(): string {
    this.#run.checkActive();
    return this.#run.random.uuid();
  }

  /** Asks for a step that ends later; `begin` makes its command, if the journal does not have it. */
  #step<T>(kind: StepKind, subject: string, name: string, chosen: string | undefined, begin: (key: string) => ReturnType<typeof commands.startTimer> | undefined, schema?: Schema<T>): Step<T> {
    const run = this.#run;
    run.checkActive();
    const refusal = run.waits.refusal();
    if (refusal !== undefined) return this.#handle(refusal, chosen ?? name, () => undefined);
    const { key, isRecorded } = run.claim(kind, subject, name, chosen);
    const command = isRecorded ? undefined : this.#built(key, () => begin(key));
    const wait = run.open(key, kind, subject, siteOf(run.program.type, key), command);
    const result = wait.promise as Promise<T>;
    return this.#handle(schema === undefined ? result : result.then((value) => parsed(schema, value, "result")), key, () => {
      run.checkActive();
      wait.cancel(new CanceledError(`step "${key}" was canceled`));
    });
  }

  #handle<T>(promise: Promise<T>, key: string, cancel: () => void): Step<T> {
    return Object.assign(promise, { key, cancel, within: (duration: Duration) => this.#within(promise, duration) });
  }

  async #within<T>(promise: Promise<T>, duration: Duration): Promise<T | undefined> {
    const timer = this.sleep(duration);
    try {
      return await Promise.race([promise, timer]);
    } finally {
      timer.cancel();
    }
  }

  /** A step that is given up when a time has passed. */
  #bounded<T>(step: Step<T>, duration: Duration): Step<T | undefined> {
    const promise = (async (): Promise<T | undefined> => {
      const value = await step.within(duration);
      if (value === undefined) step.cancel();
      return value;
    })();
    return this.#quiet(promise, step.key, () => {
      step.cancel();
    });
  }

  /** Waits for the record of a message: see `Outbox`. */
  #recorded(key: string, sentAfter: number): Step<ReplyRecord> {
    const run = this.#run;
    const timer = this.sleep(0, { key: `${key}/recorded` });
    run.outbox.want(key, sentAfter);
    const promise = timer.then(() => {
      try {
        return run.outbox.record(key);
      } catch (error) {
        throw error instanceof ReplayError ? run.fail(error) : error;
      }
    }, (error: unknown) => {
      run.outbox.forget(key);
      throw error;
    });
    return this.#quiet(promise, key, () => {
      timer.cancel();
    });
  }

  #delivered(key: string, recorded: () => Step<ReplyRecord>, status: "accepted" | "delivered" | "read"): Step<DeliveryOutcome> {
    const run = this.#run;
    run.checkActive();
    const record = recorded();
    const promise = (async (): Promise<DeliveryOutcome> => {
      const { suppressed } = await record;
      if (suppressed !== undefined) return { status: "suppressed", suppressed, detail: "" };
      return run.outbox.delivered(key, status, run.waits);
    })();
    return this.#quiet(promise, key, () => undefined);
  }

  /** The handle of a promise whose rejection need not be looked at. */
  #quiet<T>(promise: Promise<T>, key: string, cancel: () => void): Step<T> {
    promise.catch(() => undefined);
    return this.#handle(promise, key, cancel);
  }

  #checkTurn(what: string): void {
    if (this.#run.program.kind !== "conversation") {
      throw new CommandError("COMMAND_INVALID", `only the code of a turn can ${what}`, "context");
    }
  }

  /** Makes a command; if it breaks a rule its key is free again. */
  #built<T>(key: string, build: () => T): T {
    try {
      return build();
    } catch (error) {
      this.#run.steps.giveBack(key);
      throw error;
    }
  }

  #encode(value: unknown, what: string): Payload {
    return encodeBounded(this.#run.settings.converter, value, what);
  }

  #bound(kind: StepKind, max: number): void {
    const pending = this.#run.steps.countOf(kind);
    if (pending >= max) throw tooMany(kind, `would be pending ${String(pending + 1)} times`, max);
  }

  #only(kind: StepKind, problem: string): void {
    if (this.#run.steps.countOf(kind) > 0) throw new CommandError("COMMAND_INVALID", problem, kind);
  }
}
