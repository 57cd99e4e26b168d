/**
 * Sees code that does not end. A thread watches a number that changes with each stretch of a run's code
 * (`replay/window.ts`): one write each, nothing else on the hot path. When a stretch takes too long, the
 * thread looks at the stack by the inspector and breaks the execution; the stretch is reported as blocked
 * and all other runs go on. When the event loop stands still for another reason (an activity that
 * computes), only the stack is told.
 */

import { Worker as Thread } from "node:worker_threads";
import { ReplayError } from "../errors.js";
import type { Logger } from "../logger.js";
import { setInterval } from "../natives.js";
import { observeWindows } from "../replay/window.js";
import { THREAD_CODE } from "./watchdog-thread.js";

/** How the thread and this side share what they know, in 32-bit slots. */
const WINDOW = 0;
const BEAT = 1;
const BROKEN = 2;
const SLOTS = 3;
const BEAT_MS = 250;

/** What the thread says. */
type Finding =
  /** A stretch took too long and was broken off, or could not be. */
  | { readonly kind: "blocked"; readonly window: number; readonly stack: string; readonly isBroken: boolean }
  /** The event loop stands still. */
  | { readonly kind: "stalled"; readonly stack: string };

/** Watches until it is stopped. */
export interface Watchdog {
  stop(): void;
}

interface Watch {
  readonly logger: Logger;
  readonly patienceMs: number;
}

const watches = new Set<Watch>();
let thread: Thread | undefined;

/**
 * Watches the code of the runs of this process. Workers of one process share one thread; the shortest
 * patience counts.
 */
export function startWatchdog(logger: Logger, patienceMs: number): Watchdog {
  const watch = { logger, patienceMs };
  watches.add(watch);
  if (watches.size === 1) begin();
  thread?.postMessage(patience());
  return {
    stop: () => {
      if (!watches.delete(watch) || watches.size > 0) return;
      observeWindows(undefined);
      void thread?.terminate();
      thread = undefined;
    },
  };
}

function patience(): number {
  return Math.min(...[...watches].map(({ patienceMs }) => patienceMs));
}

function begin(): void {
  const shared = new Int32Array(new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT));
  let windows = 0;
  let breakOff: ((error: Error) => void) | undefined;
  observeWindows({
    opened: (by) => {
      windows = (windows % 0x3fffffff) + 1;
      breakOff = by;
      shared[WINDOW] = windows;
    },
    closed: () => {
      shared[WINDOW] = 0;
      breakOff = undefined;
    },
    isBroken: () => shared[BROKEN] === windows,
  });
  setInterval(() => {
    if (thread !== undefined) shared[BEAT] = ((shared[BEAT] ?? 0) % 0x3fffffff) + 1;
  }, BEAT_MS).unref();
  const started = (thread = new Thread(THREAD_CODE, { eval: true, workerData: { shared, patienceMs: patience() }, execArgv: [], stdin: false }));
  started.unref();
  started.on("error", (error) => {
    for (const { logger } of watches) logger.warn("watchdog ended: code that does not end stops this worker", { reason: error.message });
  });
  started.on("message", (finding: Finding) => {
    if (finding.kind === "blocked" && finding.window === windows) {
      const text = finding.isBroken ? "the code of the run did not end and was broken off" : "the code of the run did not end for a long time";
      const error = new ReplayError("Blocked", text);
      error.stack = `Blocked: ${text}\n${finding.stack}`;
      breakOff?.(error);
    }
    const what = finding.kind === "blocked" ? "code of a run did not end" : "the event loop stood still";
    for (const { logger } of watches) logger.error(what, { stack: finding.stack });
  });
}
