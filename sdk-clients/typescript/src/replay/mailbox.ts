/** Values that arrive for a run without being asked for: signals of one name, messages of a turn. */

import type { CanceledError } from "../errors.js";
import type { Waits } from "./waits.js";

/** Holds values until the code takes them. */
export class Mailbox<T> {
  readonly #values: T[] = [];
  readonly #takers: { readonly resolve: (value: T) => void; isOpen: boolean }[] = [];
  readonly #handlers: ((value: T) => void)[] = [];

  /** Takes a value in: to the handlers, else to the first who waits, else it is kept. */
  deliver(value: T): void {
    if (this.#handlers.length > 0) {
      for (const handler of this.#handlers) handler(value);
      return;
    }
    for (let taker = this.#takers.shift(); taker !== undefined; taker = this.#takers.shift()) {
      if (taker.isOpen) {
        taker.resolve(value);
        return;
      }
    }
    this.#values.push(value);
  }

  /** Hands this value and all that follow to a function, what is kept first. */
  handle(handler: (value: T) => void): void {
    this.#handlers.push(handler);
    for (const value of this.#values.splice(0)) handler(value);
  }

  /** Waits for the next value. Who gives the wait up says so, or the next value is still his. */
  take(waits: Waits): { readonly promise: Promise<T>; readonly cancel: (error: CanceledError) => void } {
    const refusal = waits.refusal();
    if (refusal !== undefined) return { promise: refusal, cancel: nothing };
    if (this.#values.length > 0) return { promise: Promise.resolve(this.#values.shift() as T), cancel: nothing };
    const taken = waits.open<T>((wait) => {
      const taker = {
        isOpen: true,
        resolve: (value: T): void => {
          wait.resolve(value);
        },
      };
      wait.onEnd = (): void => {
        taker.isOpen = false;
      };
      this.#takers.push(taker);
    });
    return {
      promise: taken.promise,
      cancel: (error) => {
        taken.cancel(error);
      },
    };
  }
}

function nothing(): void {
  // It is over.
}
