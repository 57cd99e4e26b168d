/**
 * The connection of a worker: opens streams, again and again, moves messages between them and the
 * session, and lets time pass. Everything that happens in one turn of the event loop goes out together.
 */

import { clearInterval, clearTimeout, monotonicMs, random as nativeRandom, setImmediate, setInterval, setTimeout } from "../natives.js";
import type { RpcError } from "../errors.js";
import type { WorkResponse } from "../gen/everturn/v1/worker_service_pb.js";
import type { Logger } from "../logger.js";
import { isLasting } from "./healing.js";
import type { Received, Session } from "./session.js";
import type { WorkStream, WorkTransport } from "./transport.js";

const RECONNECT_MS_FIRST = 100;
const RECONNECT_MS_MAX = 10_000;
const RESEND_MS = 500;
const TICK_MS_MAX = 1_000;
/** How long a drained worker waits for the server to end the stream. */
const HALF_CLOSE_MS = 500;

/** What the worker does with what arrives. */
export interface StreamTasks {
  /** A message of the server was taken in. */
  received(received: Received): void;
  /** A stream ended. */
  disconnected(): void;
}

/** Keeps one worker connected. */
export class WorkerConnection {
  #stream: WorkStream | undefined;
  #isFlushDue = false;
  #isFull = false;
  #isHalfClosed = false;
  #wakePause: (() => void) | undefined;
  #endStream: ((error: RpcError | undefined) => void) | undefined;
  #isAborted = false;

  constructor(
    private readonly transport: WorkTransport,
    private readonly session: Session,
    private readonly tasks: StreamTasks,
    private readonly logger: Logger,
    /** How long errors that do not heal by themselves are put up with. */
    private readonly connectTimeoutMs = Number.POSITIVE_INFINITY,
    private readonly random: () => number = nativeRandom,
  ) {}

  /** Says that the session may have something to send. */
  wake(): void {
    this.#wakePause?.();
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  /**
   * Connects, again and again, until the session is done or `abort` is called.
   *
   * @throws RpcError if the server refuses what the worker says about itself, or for so long as the
   *   connect timeout answers in a way that will not heal by itself: trying again would not help.
   */
  async run(): Promise<void> {
    let delayMs = RECONNECT_MS_FIRST;
    let lastingSinceMs: number | undefined;
    while (!this.#isOver()) {
      const error = await this.#runStream();
      const wasOpen = this.session.phase === "open";
      this.session.disconnect();
      this.tasks.disconnected();
      if (error?.code === "INVALID_ARGUMENT" && error.reason !== "PROTOCOL_VIOLATION") throw error;
      if (this.#isOver()) return;
      if (error === undefined || wasOpen || !isLasting(error)) lastingSinceMs = undefined;
      else {
        lastingSinceMs ??= monotonicMs();
        if (monotonicMs() - lastingSinceMs >= this.connectTimeoutMs) throw error;
      }
      if (wasOpen) delayMs = RECONNECT_MS_FIRST;
      const waitMs = delayMs * (0.5 + this.random() / 2);
      this.logger.warn("connection lost", { reason: error?.message ?? "the stream ended", retryMs: Math.round(waitMs) });
      delayMs = Math.min(delayMs * 2, RECONNECT_MS_MAX);
      await this.#pause(waitMs);
    }
  }

  /** Ends now, whatever is under way. */
  abort(): void {
    this.#isAborted = true;
    this.#endStream?.(undefined);
    this.#wakePause?.();
  }

  #isOver(): boolean {
    return this.session.isDone || this.#isAborted;
  }

  async #runStream(): Promise<RpcError | undefined> {
    this.#isFull = this.#isHalfClosed = false;
    let ticker: NodeJS.Timeout | undefined;
    let stream: WorkStream | undefined;
    try {
      return await new Promise<RpcError | undefined>((resolve) => {
        this.#endStream = resolve;
        stream = this.#stream = this.transport.open({
          onMessage: (response) => {
            this.#receive(response);
          },
          onDrain: () => {
            this.#isFull = false;
            this.wake();
          },
          onEnd: resolve,
        });
        stream.write(this.session.connect(monotonicMs()));
        ticker = setInterval(() => {
          if (this.session.tick(monotonicMs())) {
            // A flush that was lost when code was broken off does not keep later ones back.
            this.#isFlushDue = false;
            this.wake();
          } else {
            this.logger.warn("server is silent", { streamId: String(this.session.streamId) });
            resolve(undefined);
          }
        }, TICK_MS_MAX);
      });
    } finally {
      clearInterval(ticker);
      this.#stream = undefined;
      this.#endStream = undefined;
      stream?.cancel();
    }
  }

  #receive(response: WorkResponse): void {
    // What comes after our side was closed was not acknowledged: another worker gets it.
    if (this.#isHalfClosed) return;
    const received = this.session.receive(response, monotonicMs());
    if (response.welcome !== undefined) this.logger.info("connected", { streamId: String(this.session.streamId) });
    if (response.draining) this.logger.info("server is draining", { streamId: String(this.session.streamId) });
    for (const { reason, message } of received.dropped) {
      this.logger[reason === "FENCED" ? "debug" : "warn"]("result not taken", { reason, detail: message });
    }
    if (received.resendLater.length > 0) {
      setTimeout(() => {
        this.session.resend(received.resendLater);
        this.wake();
      }, RESEND_MS * (0.5 + this.random()));
    }
    this.tasks.received(received);
    this.wake();
  }

  #flush(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#isHalfClosed) return;
    while (!this.#isFull) {
      const request = this.session.take(monotonicMs());
      if (request === undefined) break;
      this.#isFull = !stream.write(request);
    }
    if (this.session.isDone && this.session.phase === "open") {
      this.#isHalfClosed = true;
      stream.end();
      const end = this.#endStream;
      setTimeout(() => end?.(undefined), HALF_CLOSE_MS);
    }
  }

  async #pause(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wakePause = (): void => {
        if (!this.#isOver()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakePause = undefined;
  }
}
