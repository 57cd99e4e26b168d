/** Keys: the names of steps within their run. */

import { ReplayError } from "../errors.js";

const KEY_BYTES_MAX = 256;

/** Hands out keys: each once. */
export class Keys {
  readonly #used = new Set<string>();
  readonly #uses = new Map<string, number>();

  /**
   * Takes a key: the one that the user chose, or `name`, `name#2`, `name#3`, ...
   *
   * @throws ReplayError if a chosen key is taken, or a key is empty or too long.
   */
  take(name: string, chosen: string | undefined): string {
    if (chosen !== undefined) {
      if (this.#used.has(chosen)) {
        throw new ReplayError("DuplicateKey", `the key "${chosen}" is used by an earlier step of this run`);
      }
      return this.#keep(chosen);
    }
    let use = this.#uses.get(name) ?? 0;
    let key: string;
    do {
      use += 1;
      key = use === 1 ? name : `${name}#${String(use)}`;
    } while (this.#used.has(key));
    this.#uses.set(name, use);
    return this.#keep(key);
  }

  #keep(key: string): string {
    const bytes = Buffer.byteLength(key);
    if (bytes < 1 || bytes > KEY_BYTES_MAX) {
      throw new ReplayError("KeyInvalid", `a key has 1 to ${String(KEY_BYTES_MAX)} bytes, found ${String(bytes)}`);
    }
    this.#used.add(key);
    return key;
  }
}
