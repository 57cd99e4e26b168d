/** What a case is written with: what it registers, and the world that its scenario plays in. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type Message, RpcError, type WorkerOptions } from "everturn";

/** A case: workers that run by themselves, and the client's part with its assertions. */
export interface Case {
  /** Runs from the beginning, in this process. */
  readonly worker?: WorkerOptions;
  /** Workers for processes of their own, which `world.spawn` starts and can kill. */
  readonly roles?: Readonly<Record<string, WorkerOptions>>;
  readonly scenario: (world: World) => Promise<void>;
}

/** A worker that can be stopped. */
export interface Running {
  stop(): Promise<void>;
}

/** The coordinator, and the ways to act on it. The namespace is the case's own. */
export interface World {
  readonly client: Client;
  /** Folder of the coordinator's store; of use only with a coordinator of one's own. */
  readonly storeFolder: string;
  /** Starts another worker in this process. */
  readonly work: (options: WorkerOptions) => Running;
  /** Stops the worker that runs from the beginning. */
  readonly stopWorker: () => Promise<void>;
  /** Starts a role in a process of its own; `kill` is SIGKILL. */
  readonly spawn: (role: string) => { kill(): Promise<void> };
  /** Kills the coordinator with SIGKILL and starts it again; needs a `coordinator.toml`. */
  readonly restartCoordinator: () => Promise<void>;
  /** Stops the coordinator with SIGSTOP until `wakeCoordinator`; needs a `coordinator.toml`. */
  readonly stallCoordinator: () => Promise<void>;
  readonly wakeCoordinator: () => Promise<void>;
}

const DEADLINE_MS = 25_000;
const POLL_MS = 20;

/** Says that this is a case. */
export function behaviour(it: Case): Case {
  return it;
}

/** Looks until there is something to see, and gives it. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  const endMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > endMs) throw new Error(`not within ${String(DEADLINE_MS)} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** A transcript as lines: `"customer: Hi"`, `"agent: Hello"`. */
export async function transcript(client: Client, conversationId: string): Promise<string[]> {
  return (await messages(client, conversationId)).map((it) => `${it.authorKind}: ${it.text}`);
}

/** The messages of a transcript; none while there is no such conversation. */
export async function messages(client: Client, conversationId: string): Promise<Message[]> {
  const found: Message[] = [];
  try {
    for await (const message of client.conversations.listMessages(conversationId)) found.push(message);
  } catch (error) {
    if (!(error instanceof RpcError && error.reason === "CONVERSATION_NOT_FOUND")) throw error;
  }
  return found;
}

/** Waits until a transcript is so long and no turn is running, and says what it must be. */
export async function transcriptBecomes(client: Client, conversationId: string, lines: readonly string[]): Promise<void> {
  try {
    await until("the transcript is that long", async () => (await messages(client, conversationId)).length >= lines.length);
    await atRest(client, conversationId);
  } catch {
    // The comparison says more than that it took too long.
  }
  assert.deepEqual(await transcript(client, conversationId), lines);
}

/** Waits until no turn is running and no message waits for one. */
export async function atRest(client: Client, conversationId: string): Promise<void> {
  await until(`conversation "${conversationId}" rests`, async () => {
    const { turn, waitingMessageCount, waitingEventCount } = await client.conversations.get(conversationId);
    return turn === undefined && waitingMessageCount === 0 && waitingEventCount === 0;
  });
}

/** Kinds of the events in a run's journal, in order. */
export async function journal(client: Client, workflowId: string): Promise<string[]> {
  const kinds: string[] = [];
  for await (const event of client.workflows.history(workflowId)) kinds.push(event.kind.case ?? "unknown");
  return kinds;
}

/** Checks that a call is refused for this reason. */
export async function refused(call: Promise<unknown>, reason: string): Promise<void> {
  const answer = await call.then(
    () => "accepted",
    (error: unknown) => (error instanceof RpcError ? error.reason : Promise.reject(error as Error)),
  );
  assert.equal(answer, reason);
}

/** A place where an activity waits until the scenario lets it go on. */
export class Gate {
  readonly #arrived: Promise<void>;
  readonly #opened: Promise<void>;
  #arrive = (): void => {};
  #open = (): void => {};

  constructor() {
    this.#arrived = new Promise((resolve) => (this.#arrive = resolve));
    this.#opened = new Promise((resolve) => (this.#open = resolve));
  }

  /** For the activity: says that it is there, and waits. An aborted signal ends the wait with its reason. */
  async pass(signal?: AbortSignal): Promise<void> {
    this.#arrive();
    await Promise.race([this.#opened, ...(signal === undefined ? [] : [aborted(signal)])]);
  }

  /** For the scenario: waits until an activity is at the gate. */
  async arrived(): Promise<void> {
    const late = sleep(DEADLINE_MS, undefined, { ref: false }).then(() => {
      throw new Error("nothing arrived at the gate");
    });
    await Promise.race([this.#arrived, late]);
  }

  /** For the scenario: lets it go on. */
  open(): void {
    this.#open();
  }
}

/** Rejects when a signal is aborted, with its reason. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
