/**
 * Steps of one kind that a run has under way at once. What is beyond the bound waits here, in order, and
 * is asked for as others end: code may ask for any number of them together.
 */

import type { Command } from "../gen/everturn/v1/command_pb.js";

/** The steps of one kind of one run. */
export class FanOut {
  readonly #held = new Map<string, Command>();
  #open = 0;

  constructor(private readonly max: number) {}

  /** A step begins; its command, if it is to go out now. A recorded step has none. */
  begin(key: string, command: Command | undefined): Command | undefined {
    if (command !== undefined && this.#open >= this.max) {
      this.#held.set(key, command);
      return undefined;
    }
    this.#open += 1;
    return command;
  }

  /** A step ended; the command of the one that takes its place. */
  end(key: string): Command | undefined {
    if (this.#held.delete(key)) return undefined;
    this.#open -= 1;
    if (this.#open >= this.max) return undefined;
    const [next] = this.#held;
    if (next === undefined) return undefined;
    this.#held.delete(next[0]);
    this.#open += 1;
    return next[1];
  }

  /** Whether a step was not asked for yet. */
  isHeld(key: string): boolean {
    return this.#held.has(key);
  }
}
