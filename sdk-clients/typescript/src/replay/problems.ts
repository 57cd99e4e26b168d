/**
 * What goes wrong in the code of a run without anybody looking: a step that failed and was never
 * awaited, a step left behind at the return, a promise that was rejected and has no handler. It is
 * recorded with the run, and logged once.
 */

import { CanceledError, ReplayError } from "../errors.js";
import type { Steps } from "./steps.js";

/** Longest key of a problem, in UTF-16 units: a key has 256 bytes. */
const KEY_LENGTH = 80;

/** Something that went wrong. */
interface Problem {
  /** Name of the step, or `rejection`. */
  readonly name: string;
  readonly error: Error;
}

interface FailedStep {
  readonly key: string;
  /** Where the code asked for it. */
  readonly site: Error;
}

/** What steps failed with when nobody handled it, until somebody does. */
const unhandled = new WeakMap<object, () => void>();
let isWatching = false;

/** Sees promises that get their handler late. */
function watchLateHandlers(): void {
  if (isWatching) return;
  isWatching = true;
  process.on("rejectionHandled", (promise) => {
    promise.catch((reason: unknown) => {
      if (typeof reason === "object" && reason !== null) unhandled.get(reason)?.();
    });
  });
}

/** The problems of one run. */
export class Problems {
  readonly #failed = new WeakMap<object, FailedStep>();
  readonly #unawaited = new Map<string, Problem>();
  #others: Problem[] = [];

  /** A step is about to fail. */
  fails(key: string, site: Error, error: unknown): void {
    if (error instanceof Error) this.#failed.set(error, { key, site });
  }

  /** A promise of the code was rejected and has no handler yet. */
  rejected(reason: unknown): void {
    if (reason instanceof CanceledError || reason instanceof ReplayError) return;
    const step = typeof reason === "object" && reason !== null ? this.#failed.get(reason) : undefined;
    if (step === undefined) {
      this.#others.push({ name: "rejection", error: reason instanceof Error ? reason : new Error(String(reason)) });
      return;
    }
    const { key, site } = step;
    const failed = reason as Error;
    const error = problem("UnawaitedStep", `step "${key}" failed and nobody awaited it: ${failed.message}`, site, reason);
    this.#unawaited.set(key, { name: key, error });
    watchLateHandlers();
    unhandled.set(failed, () => this.#unawaited.delete(key));
  }

  /** The code has returned while steps were under way. */
  leave(steps: readonly { readonly key: string; readonly what: string; readonly site: Error }[]): void {
    for (const { key, what, site } of steps) {
      const error = problem("StepLeftBehind", `step "${key}" (${what}) was left behind: the code returned without waiting for it`, site);
      this.#others.push({ name: key, error });
    }
  }

  /** Takes out what can be told now (at the end of the run, everything), each with its key, less what the journal has. */
  claim(isClosing: boolean, steps: Steps): { key: string; error: Error }[] {
    const found = isClosing ? [...this.#unawaited.values(), ...this.#others] : this.#others;
    this.#others = [];
    if (isClosing) this.#unawaited.clear();
    return found.flatMap(({ name, error }) => {
      const { key, isRecorded } = steps.claim("problem", "", `problem/${name}`.slice(0, KEY_LENGTH), undefined);
      return isRecorded ? [] : [{ key, error }];
    });
  }
}

function problem(name: string, message: string, site: Error, cause?: unknown): Error {
  const error = cause === undefined ? new Error(message) : new Error(message, { cause });
  error.name = name;
  // Where the code asked for the step says more than where the SDK ended it.
  const frames = (site.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  error.stack = [`${name}: ${message}`, ...frames].join("\n");
  return error;
}
