/** The state entries of a run, as its code sees them. */

import type { StateAccess } from "../context.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { encodeBounded } from "../payload.js";
import { STATE_BYTES } from "../rules.js";
import { byteLength, checkedName, tooMany } from "./checks.js";
import { setState } from "./commands.js";
import type { RunHost } from "./run-host.js";

/** Reads and writes the entries; writes become commands. */
export class RunState implements StateAccess {
  readonly #run: RunHost;
  readonly #entries: Map<string, Payload>;
  #bytes = 0;

  constructor(run: RunHost, entries: Readonly<Record<string, Payload>>) {
    this.#run = run;
    this.#entries = new Map(Object.entries(entries));
    for (const [name, value] of this.#entries) this.#bytes += sizeOf(name, value);
  }

  get<T = unknown>(name: string): T | undefined {
    const payload = this.#entries.get(name);
    return payload === undefined ? undefined : (this.#run.settings.converter.decode(payload) as T);
  }

  set(name: string, value: unknown): void {
    this.#write(name, encodeBounded(this.#run.settings.converter, value, name));
  }

  delete(name: string): void {
    if (this.#entries.has(name)) this.#write(name, undefined);
  }

  names(): string[] {
    return [...this.#entries.keys()].sort();
  }

  #write(name: string, value: Payload | undefined): void {
    this.#run.checkActive();
    checkedName("name", name);
    const before = sizeOf(name, this.#entries.get(name));
    const after = sizeOf(name, value);
    if (after > before && this.#bytes - before + after > STATE_BYTES) {
      throw tooMany("value", `makes the state ${String(this.#bytes - before + after)} bytes`, STATE_BYTES);
    }
    this.#bytes += after - before;
    const { key, isRecorded } = this.#run.claim("state", name, `state:${name}`, undefined);
    if (value === undefined) this.#entries.delete(name);
    else this.#entries.set(name, value);
    if (!isRecorded) this.#run.push(setState(key, name, value));
  }
}

/** Bytes that an entry counts against the limit of the state. */
function sizeOf(name: string, value: Payload | undefined): number {
  return value === undefined ? 0 : byteLength(name) + value.data.length + byteLength(value.contentType);
}
