/**
 * The stretches in which code of runs runs: one at a time in a process, each from a notification until
 * the code can go no further. So it is known whose code runs, what it may take from the process
 * (`durable-globals.ts`), who is to blame when it does not end (`worker/watchdog.ts`) and whose
 * rejection nobody handled.
 */

import { nextTick, setImmediate } from "../natives.js";

/** What a run gives its code within a stretch. */
export interface Execution {
  /** Time of the run, in milliseconds since 1970. */
  readonly timeMs: number;
  /** Milliseconds since the run began. */
  readonly ageMs: number;
  /** Chance of the run. */
  readonly random: { number(): number; uuid(): string; uint32(): number };
  /** A promise of its code was rejected and has no handler. */
  rejected(reason: unknown): void;
}

/** Sees when stretches begin and end. */
export interface WindowObserver {
  /** A stretch begins; whoever breaks it off calls `breakOff`. */
  opened(breakOff: (error: Error) => void): void;
  closed(): void;
  /** Whether the engine has thrown the stretch away; `breakOff` is called a little later. */
  isBroken(): boolean;
}

interface Waiting {
  readonly execution: Execution;
  readonly resume: () => void;
}

let current: Execution | undefined;
let isTaken = false;
let observer: WindowObserver | undefined;
const queue: Waiting[] = [];
const turn = Promise.resolve();

/** The run whose code runs now, if any does. */
export function currentExecution(): Execution | undefined {
  if (current !== undefined && observer?.isBroken() === true) leave();
  return current;
}

/** Names who sees stretches; `undefined`: nobody. */
export function observeWindows(by: WindowObserver | undefined): void {
  observer = by;
}

/** Does something of ours, or of a library that is not the run's, within a stretch. */
export function outside<T>(fn: () => T): T {
  const inside = current;
  current = undefined;
  try {
    return fn();
  } finally {
    current = inside;
  }
}

/**
 * Runs a stretch: `begin`, and everything that follows from it until no promise reaction is left to run.
 * Waits until the stretch of another run is over.
 *
 * No promise reaction of anybody else is left to run when it begins, so that all that runs until the end
 * is the run's; and when the stretch is broken off, what the engine throws away with it is the run's too.
 */
export async function runWindow(execution: Execution, begin: () => void): Promise<void> {
  if (isTaken) {
    await new Promise<void>((resume) => {
      queue.push({ execution, resume });
    });
  } else {
    isTaken = true;
  }
  try {
    await new Promise<void>((resolve, reject) => {
      undisturbed(() => {
        observer?.opened((error) => {
          stretches = 0;
          reject(error);
        });
        enter(execution);
        begin();
        // Ticks run only after the microtask queue has drained: a tick that is queued from within a
        // microtask comes after everything that the code could still do.
        queueMicrotask(() => {
          nextTick(resolve);
        });
      });
    });
  } finally {
    leave();
    observer?.closed();
    endRow();
    const next = queue.shift();
    if (next === undefined) isTaken = false;
    else next.resume();
  }
}

/** Stretches that may follow each other in one turn of the event loop: then others get their turn. */
const STRETCHES_PER_TURN = 32;
/** Stretches so far in this turn of the event loop; 0: it is not known to be one of stretches only. */
let stretches = 0;

/**
 * Calls a function when nothing else is left to run: in a turn of the event loop of its own, or right after
 * the stretch before. As a promise reaction: Node survives that one of these is broken off, not that a
 * callback of its own is.
 */
function undisturbed(begin: () => void): void {
  const isNext = stretches > 0 && stretches < STRETCHES_PER_TURN;
  const number = isNext ? stretches + 1 : 1;
  const react = (): void => {
    stretches = number;
    void turn.then(begin);
  };
  if (isNext) {
    stretches = number;
    nextTick(react);
  } else {
    stretches = 0;
    setImmediate(react);
  }
}

/** Ends a row of stretches whose last one was not followed by another at once: something else may come now. */
function endRow(): void {
  const number = stretches;
  nextTick(() => {
    if (stretches === number) stretches = 0;
  });
}

/**
 * Node notes with each rejection without a handler the domain of the moment, and tells that instead of
 * the process: it is how a rejection is known to be a run's. Nothing else of domains is used.
 */
type WithDomain = typeof process & { domain?: unknown };

function enter(execution: Execution): void {
  current = execution;
  (process as WithDomain).domain = {
    emit: (_event: string, reason: unknown): boolean => {
      execution.rejected(reason);
      return true;
    },
  };
}

function leave(): void {
  current = undefined;
  (process as WithDomain).domain = undefined;
}
