/** A worker: runs the turns, workflows and activities of one task queue, and delivers messages. */

import { hostname } from "node:os";
import { type ActivityFunction, checkName, declaredActivities, type ImplementedActivity } from "../activity.js";
import type { ImplementedDelivery } from "../delivery.js";
import { type Duration, milliseconds } from "../duration.js";
import { addressOf, type ConnectOptions, namespaceOf } from "../grpc/channel.js";
import { type Logger, stderrLogger } from "../logger.js";
import { jsonConverter, type PayloadConverter } from "../payload.js";
import type { Program } from "../replay/program.js";
import { clearTimeout, setImmediate, setTimeout } from "../natives.js";
import { installDurableGlobals } from "../replay/durable-globals.js";
import { Attempts } from "./attempts.js";
import { registerTypes, typesOf } from "./registration.js";
import { Runs } from "./runs.js";
import { Session } from "./session.js";
import { onStopSignal } from "./stop-signals.js";
import { WorkerConnection } from "./stream.js";
import { GrpcTransport, type WorkTransport } from "./transport.js";
import { watchRejections } from "./rejections.js";
import { startWatchdog } from "./watchdog.js";

/** Settings of a {@link Worker}. */
export interface WorkerOptions extends ConnectOptions {
  /** Address of the coordinator. Default: `EVERTURN_ADDRESS`, else `127.0.0.1:7400`. */
  readonly address?: string;
  /** Namespace. Default: `EVERTURN_NAMESPACE`, else `default`. */
  readonly namespace?: string;
  /** Task queue to serve. Default `default`; 1 to 256 bytes. */
  readonly taskQueue?: string;
  /** Workflows that it runs. */
  readonly workflows?: readonly Program[];
  /** Conversations whose turns it runs. */
  readonly conversations?: readonly Program[];
  /** Activities that it runs: from `implementActivity`, or functions by name. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- functions of any input
  readonly activities?: readonly ImplementedActivity[] | Readonly<Record<string, ActivityFunction<any, unknown>>>;
  /** Adapters that deliver messages, from `implementDelivery`: one by channel. They share the activities' slots. */
  readonly deliveries?: readonly ImplementedDelivery[];
  /** False: the `turnPolicy` and `retention` of conversations are not set when the worker starts. Default true. */
  readonly registerTypes?: boolean;
  /** Most activity attempts at a time. Default 100; 1 to 10,000. */
  readonly maxConcurrentActivities?: number;
  /** Most workflow tasks at a time. Default 200; 1 to 10,000. */
  readonly maxConcurrentWorkflowTasks?: number;
  /** Most runs that are kept in memory between their tasks. Default 1,000; 0 to 1,000,000. */
  readonly maxCachedRuns?: number;
  /**
   * Bytes of the values of large states (over 4 KiB) that are kept between the turns of conversations, those
   * used last: a turn then brings only the values that changed. Default 64 MiB; 0: every turn brings its
   * whole state; at most 1 GiB.
   */
  readonly stateCacheBytes?: number;
  /** Who the worker is, for people. Default: process id and host. 1 to 256 bytes. */
  readonly identity?: string;
  /** Build of the worker's code. Default empty; at most 256 bytes. */
  readonly buildId?: string;
  /** How long a stopping worker waits for what it runs. Default 30 s. */
  readonly drainTimeout?: Duration;
  /** Stops the worker on SIGTERM and SIGINT; a second one does not wait. Default true. */
  readonly handleSignals?: boolean;
  /** True: a journal with steps that the code no longer takes is an error, not a warning. Default false. */
  readonly strictReplay?: boolean;
  /**
   * How long the code of a run may go on without coming to a step or its end. Then it is broken off, its
   * workflow task is reported as failed with the stack, and all other runs go on. Default 5 s; from 100 ms to 1 h.
   */
  readonly blockedTimeout?: Duration;
  /**
   * How long the first connection may take to be refused in a way that will not heal by itself (wrong
   * credentials, a server that is no Everturn) before `run` ends with that error. Default 30 s.
   */
  readonly connectTimeout?: Duration;
  /** Writes and reads payloads. Default: JSON. */
  readonly converter?: PayloadConverter;
  /** Takes log lines. Default: warnings and errors as JSON on stderr. */
  readonly logger?: Logger;
  /** Another way to a coordinator, for tests. */
  readonly transport?: WorkTransport;
}

const SLOTS_MAX = 10_000;
const BLOCKED_MS_MIN = 100;
const BLOCKED_MS_MAX = 3_600_000;
const CACHED_RUNS_MAX = 1_000_000;
const STATE_CACHE_BYTES = 67_108_864;
const STATE_CACHE_BYTES_MAX = 1_073_741_824;

/** Runs the turns, workflows and activities of one task queue. */
export class Worker {
  readonly #session: Session;
  readonly #connection: WorkerConnection;
  readonly #attempts: Attempts;
  readonly #transport: WorkTransport;
  readonly #logger: Logger;
  readonly #drainTimeoutMs: number;
  readonly #handleSignals: boolean;
  readonly #types: ReturnType<typeof typesOf>;
  readonly #registration = new AbortController();
  readonly #blockedTimeoutMs: number;
  readonly #runsCode: boolean;
  #stopCalls = 0;
  #isRunning = false;
  #onStop: (() => void) | undefined;

  /** @throws RangeError if an option is out of its range or nothing is registered. */
  constructor(options: WorkerOptions) {
    const programs = programsOf([...(options.workflows ?? []), ...(options.conversations ?? [])]);
    const functions = functionsOf(options.activities ?? {});
    const deliveries = options.deliveries ?? [];
    const adapters = adaptersOf(deliveries);
    if (programs.size === 0 && functions.size === 0 && adapters.size === 0) {
      throw new RangeError("a worker needs workflows, conversations, activities or deliveries");
    }
    const namespace = namespaceOf(options.namespace);
    const taskQueue = options.taskQueue ?? "default";
    const identity = options.identity ?? `${String(process.pid)}@${hostname()}`;
    const buildId = options.buildId ?? "";
    checkName("task queue", taskQueue);
    checkName("worker (identity)", identity);
    if (buildId !== "") checkName("build", buildId);
    const converter = options.converter ?? jsonConverter;
    const logger = options.logger ?? stderrLogger;
    this.#logger = logger;
    this.#drainTimeoutMs = milliseconds(options.drainTimeout ?? "30s");
    this.#handleSignals = options.handleSignals ?? true;
    this.#blockedTimeoutMs = bounded("blockedTimeout (in ms)", milliseconds(options.blockedTimeout ?? "5s"), BLOCKED_MS_MIN, BLOCKED_MS_MAX);
    this.#runsCode = programs.size > 0;
    const activitySlots = bounded("maxConcurrentActivities", options.maxConcurrentActivities ?? 100, 1, SLOTS_MAX);
    const workflowSlots = bounded("maxConcurrentWorkflowTasks", options.maxConcurrentWorkflowTasks ?? 200, 1, SLOTS_MAX);
    const stateCacheBytes = bounded("stateCacheBytes", options.stateCacheBytes ?? STATE_CACHE_BYTES, 0, STATE_CACHE_BYTES_MAX);
    const session = (this.#session = new Session({
      namespace,
      taskQueue,
      identity,
      buildId,
      stateCacheBytes: programs.size > 0 ? stateCacheBytes : 0,
      activitySlots: functions.size > 0 || adapters.size > 0 ? activitySlots : 0,
      workflowSlots: programs.size > 0 ? workflowSlots : 0,
      deliveries,
      takesActivities: functions.size > 0,
      activityTypes: [...functions.keys()].sort(),
      workflowTypes: [...programs.keys()].sort(),
      usedTypes: programs.size > 0 ? () => declaredActivities() : () => [],
    }));
    this.#transport = options.transport ?? new GrpcTransport(addressOf(options.address), options);
    const wake = (): void => {
      this.#connection.wake();
    };
    const attempts = (this.#attempts = new Attempts({ functions, adapters }, converter, logger, {
      finish: (token, outcome, usage) => {
        session.finishActivity(token, outcome, usage);
        wake();
      },
      output: (token, pieces) => {
        const isWhole = session.output(token, pieces);
        wake();
        return isWhole;
      },
      heartbeat: (token, details) => {
        session.heartbeat(token, details);
        wake();
      },
    }));
    this.#types = options.registerTypes === false ? [] : typesOf(programs.values(), namespace);
    const cachedRunsMax = bounded("maxCachedRuns", options.maxCachedRuns ?? 1_000, 0, CACHED_RUNS_MAX);
    const isStrict = options.strictReplay ?? false;
    const runs = new Runs(programs, { namespace, converter, logger, isStrict, cachedRunsMax, stateCacheBytes }, {
      finish: (ref, parts, isClosing) => {
        session.finishWorkflow(ref, parts, isClosing);
        wake();
      },
      isCurrent: (ref) => session.workflows.isCurrent(ref),
      history: (range) => this.#transport.history(range),
    });
    this.#connection = new WorkerConnection(this.#transport, session, {
      received: (received) => {
        for (const answer of received.answers) runs.answered(answer);
        if (received.evictedRunIds.length > 0) runs.evict(received.evictedRunIds);
        for (const { token, isFenced } of received.cancels) attempts.cancel(token, isFenced ? "fenced" : "requested");
        for (const notice of received.typing) attempts.showTyping(notice);
        for (const task of received.activityTasks) attempts.start(task);
        for (const { task, ref } of received.workflowTasks) runs.start(task, ref);
      },
      disconnected: () => {
        runs.clear();
      },
    }, logger, milliseconds(options.connectTimeout ?? "30s"));
  }

  /**
   * Sets what its conversations begin with (those with a `turnPolicy` or `retention`; the worker that
   * starts last counts), then runs until it was stopped and has finished what it had; reconnects as often as needed.
   * While it runs, promises of workflow code that are rejected and looked at by nobody are logged
   * and do not end the process.
   *
   * @throws RpcError if the server refuses what the worker says about itself or a turn policy, or if what
   *   answers is no coordinator or refuses the credentials for `connectTimeout`.
   */
  async run(): Promise<void> {
    if (this.#isRunning) throw new Error("a worker runs once");
    this.#isRunning = true;
    const stop = (): void => {
      this.stop();
    };
    const ignoreSignals = this.#handleSignals ? onStopSignal(stop) : undefined;
    const unwatch = watchRejections(this.#logger);
    if (this.#runsCode) installDurableGlobals();
    const watchdog = startWatchdog(this.#logger, this.#blockedTimeoutMs);
    let drainTimer: NodeJS.Timeout | undefined;
    this.#onStop = (): void => {
      if (this.#stopCalls > 1) this.#giveUp();
      else drainTimer ??= setTimeout(() => { this.#giveUp(); }, this.#drainTimeoutMs);
    };
    if (this.#stopCalls > 0) this.#onStop();
    try {
      await registerTypes(this.#types, this.#transport, this.#logger, this.#registration.signal);
      await this.#connection.run();
    } finally {
      clearTimeout(drainTimer);
      this.#onStop = undefined;
      this.#attempts.cancelAll("worker stopped");
      ignoreSignals?.();
      unwatch();
      watchdog.stop();
      this.#transport.close();
    }
  }

  /**
   * Takes no new tasks, finishes and reports what runs, then ends `run`. What is not done after the
   * drain timeout is canceled and reported as lost, so that another worker gets it at once. A second
   * call does not wait.
   */
  stop(): void {
    this.#stopCalls += 1;
    this.#registration.abort();
    this.#session.startDraining();
    this.#onStop?.();
    this.#connection.wake();
  }

  /** Number of activity attempts whose code runs. */
  get runningActivities(): number {
    return this.#attempts.count;
  }

  #giveUp(): void {
    this.#attempts.cancelAll("worker stopped");
    // One turn for code that heeds its signal, then the rest is given away.
    setImmediate(() => {
      this.#attempts.abandonAll();
      this.#connection.wake();
      setTimeout(() => {
        this.#connection.abort();
      }, GIVE_UP_MS);
    });
  }
}

/** How long the last reports of a worker that gave up may take. */
const GIVE_UP_MS = 1_000;

function programsOf(programs: readonly Program[]): Map<string, Program> {
  const byType = new Map<string, Program>();
  for (const program of programs) {
    if (byType.has(program.type)) throw new RangeError(`two workflows or conversations have the type "${program.type}"`);
    byType.set(program.type, program);
  }
  return byType;
}

function functionsOf(activities: NonNullable<WorkerOptions["activities"]>): Map<string, ActivityFunction<never, unknown>> {
  const byName = new Map<string, ActivityFunction<never, unknown>>();
  const add = (name: string, run: ActivityFunction<never, unknown>): void => {
    checkName("activity", name);
    if (byName.has(name)) throw new RangeError(`two activities have the name "${name}"`);
    byName.set(name, run);
  };
  if (isList(activities)) for (const { name, run } of activities) add(name, run);
  else for (const [name, run] of Object.entries(activities)) add(name, run);
  return byName;
}

function adaptersOf(deliveries: readonly ImplementedDelivery[]): Map<string, ImplementedDelivery> {
  const byChannel = new Map<string, ImplementedDelivery>();
  for (const adapter of deliveries) {
    const { channel } = adapter;
    if (byChannel.has(channel)) throw new RangeError(`two adapters deliver by the channel "${channel}"`);
    byChannel.set(channel, adapter);
  }
  return byChannel;
}

function isList(activities: NonNullable<WorkerOptions["activities"]>): activities is readonly ImplementedActivity[] {
  return Array.isArray(activities);
}

function bounded(name: string, value: number, min: number, max: number): number {
  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    throw new RangeError(`${name} is ${String(min)} to ${String(max)}, found ${String(value)}`);
  }
  return value;
}
