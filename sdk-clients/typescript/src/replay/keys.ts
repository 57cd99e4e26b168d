/** Keys: the names of steps within their run. */

import { CommandError } from "../errors.js";
import { ID_BYTES } from "../rules.js";
import { byteLength } from "./checks.js";

/** Hands out keys: each once. */
export class Keys {
  readonly #used = new Set<string>();
  readonly #uses = new Map<string, number>();

  /**
   * Takes a key: the one that the user chose, or `name`, `name#2`, `name#3`, ...
   *
   * @throws CommandError if a chosen key is taken, or a key is empty or too long: none is taken then.
   */
  take(name: string, chosen: string | undefined): string {
    if (chosen !== undefined) {
      if (this.#used.has(chosen)) {
        throw new CommandError("COMMAND_INVALID", `the key "${chosen}" is used by an earlier step of this run`, "key");
      }
      return this.#keep(chosen);
    }
    let use = this.#uses.get(name) ?? 0;
    let key: string;
    do {
      use += 1;
      key = use === 1 ? name : `${name}#${String(use)}`;
    } while (this.#used.has(key));
    this.#keep(key);
    this.#uses.set(name, use);
    return key;
  }

  /** Gives a key back: what it was taken for was refused. */
  giveBack(key: string): void {
    this.#used.delete(key);
  }

  #keep(key: string): string {
    const bytes = byteLength(key);
    if (bytes < 1 || bytes > ID_BYTES) {
      throw new CommandError("LIMIT_EXCEEDED", `a key has 1 to ${String(ID_BYTES)} bytes, found ${String(bytes)}`, "key", ID_BYTES);
    }
    if (!key.isWellFormed()) throw new CommandError("FIELD_INVALID", "a key with a lone surrogate is no text", "key");
    this.#used.add(key);
    return key;
  }
}
