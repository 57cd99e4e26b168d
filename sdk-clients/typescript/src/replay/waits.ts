/**
 * What the code of a run waits for, and the scopes that decide who is told when the run is
 * canceled: everything in the root scope, nothing inside `shield`.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { CanceledError } from "../errors.js";

/** Where code belongs. */
export interface Scope {
  readonly waits: Waits;
  /** Set when everything in the scope is to stop. */
  error: CanceledError | undefined;
}

/** One promise that the code may be waiting for. */
export class Wait<T> {
  readonly promise: Promise<T>;
  /** Called once, when the wait is over. */
  onEnd: (() => void) | undefined;
  /** Called before the promise is rejected. */
  onReject: ((error: unknown) => void) | undefined;
  /** Called instead of rejecting when the scope is canceled. */
  onCancel: ((error: CanceledError) => void) | undefined;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor(
    readonly scope: Scope,
    private readonly open: Set<Wait<never>>,
  ) {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A step that fails and that nobody awaits is seen, if somebody looks: see `Problems`.
    if (!scope.waits.seesRejections) this.promise.catch(ignore);
    open.add(this as unknown as Wait<never>);
  }

  /** Whether nothing ended it yet. */
  get isOpen(): boolean {
    return this.open.has(this as unknown as Wait<never>);
  }

  /** Ends it with a value. */
  resolve(value: T): void {
    if (this.#end()) this.#resolve(value);
  }

  /** Ends it with an error. */
  reject(error: unknown): void {
    if (!this.#end()) return;
    this.onReject?.(error);
    this.#reject(error);
  }

  /** Ends it because its scope is canceled. */
  cancel(error: CanceledError): void {
    if (!this.isOpen) return;
    this.onCancel?.(error);
    this.reject(error);
  }

  #end(): boolean {
    const isFirst = this.open.delete(this as unknown as Wait<never>);
    if (isFirst) this.onEnd?.();
    return isFirst;
  }
}

const scopes = new AsyncLocalStorage<Scope>();

/** The waits of one run. */
export class Waits {
  /** @param seesRejections True: rejections without a handler are reported, and must not be kept silent. */
  constructor(readonly seesRejections = false) {}

  readonly #open = new Set<Wait<never>>();
  readonly #root: Scope = { waits: this, error: undefined };

  /** Number of open waits. */
  get count(): number {
    return this.#open.size;
  }

  /** Why the run stops, if it was canceled or interrupted. */
  get error(): CanceledError | undefined {
    return this.#root.error;
  }

  /** Begins a wait in the scope of the calling code. */
  open<T>(prepare?: (wait: Wait<T>) => void): Wait<T> {
    const wait = new Wait<T>(this.#current(), this.#open);
    prepare?.(wait);
    return wait;
  }

  /** Why the calling code may wait for nothing more, if so. */
  get stopping(): CanceledError | undefined {
    return this.#current().error;
  }

  /** A rejected promise if the calling code may wait for nothing more. */
  refusal(): Promise<never> | undefined {
    const error = this.stopping;
    if (error === undefined) return undefined;
    const refused = Promise.reject(error);
    refused.catch(ignore);
    return refused;
  }

  /** Ends all waits of the root scope, in the order in which they began; the first cancel counts. */
  cancel(error: CanceledError): void {
    if (this.#root.error !== undefined) return;
    this.#root.error = error;
    for (const wait of [...this.#open]) {
      if (wait.scope === this.#root) wait.cancel(error);
    }
  }

  /** Runs code in a scope of its own that is not canceled with the run. */
  shield<T>(fn: () => T): T {
    return scopes.run({ waits: this, error: undefined }, fn);
  }

  #current(): Scope {
    const scope = scopes.getStore();
    return scope?.waits === this ? scope : this.#root;
  }
}

function ignore(): void {
  // Nothing to do.
}
