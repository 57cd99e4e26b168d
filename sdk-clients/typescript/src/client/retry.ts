/** When a call is repeated, and how long it waits before that. */

import { setTimeout as sleep } from "node:timers/promises";
import { type Duration, milliseconds } from "../duration.js";
import type { RpcError } from "../errors.js";
import { rpcErrorOf } from "./rpc-error.js";

/**
 * How calls are repeated. UNAVAILABLE is repeated; RESOURCE_EXHAUSTED only when the server says when
 * to come back. That is safe: the client fills in request ids.
 */
export interface RetrySettings {
  /** Longest wait before the first repetition. Default 50 ms. */
  readonly initial?: Duration;
  /** Longest wait between two tries; a longer one that the server asks for is kept. Default 5 s. */
  readonly max?: Duration;
  /**
   * No try starts later than this after the call began, or after a watch or a wait was broken off; 0 means never
   * repeat. Default 30 s.
   */
  readonly elapsed?: Duration;
}

/** The waits of one series of tries. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #elapsedMs: number;
  #startedMs: number | undefined = performance.now();
  #tries = 0;

  constructor(settings: RetrySettings) {
    this.#initialMs = milliseconds(settings.initial ?? 50);
    this.#maxMs = milliseconds(settings.max ?? 5_000);
    this.#elapsedMs = milliseconds(settings.elapsed ?? 30_000);
  }

  /** Forgets the tries so far: there was progress. Time counts again from the next error. */
  reset(): void {
    this.#startedMs = undefined;
    this.#tries = 0;
  }

  /** How long to wait before the next try, in milliseconds; `undefined`: give up. */
  delayMs(error: RpcError): number | undefined {
    if (!isRetryable(error)) return undefined;
    const ceiling = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#tries, 32));
    // Half fixed, half random: never at once, never all together.
    const waitMs = Math.max(ceiling / 2 + (Math.random() * ceiling) / 2, error.retryDelayMs ?? 0);
    const nowMs = performance.now();
    // A watch of a quiet conversation hears nothing for hours: that is not the time it was away.
    this.#startedMs ??= nowMs;
    if (nowMs + waitMs - this.#startedMs > this.#elapsedMs) return undefined;
    this.#tries += 1;
    return waitMs;
  }
}

/**
 * Makes a call, and again while that may help.
 *
 * @param isLongPoll True: the call waits at the server, which is not the time that it was away.
 */
export async function withRetry<T>(settings: RetrySettings, call: () => Promise<T>, isLongPoll = false): Promise<T> {
  const backoff = new Backoff(settings);
  if (isLongPoll) backoff.reset();
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const error = rpcErrorOf(thrown);
      const waitMs = backoff.delayMs(error);
      if (waitMs === undefined) throw error;
      await sleep(waitMs);
    }
  }
}

/** Whether the same request may succeed later. */
export function isRetryable(error: RpcError): boolean {
  return error.code === "UNAVAILABLE" || (error.code === "RESOURCE_EXHAUSTED" && error.retryDelayMs !== undefined);
}
