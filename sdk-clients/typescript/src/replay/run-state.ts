/** The state entries of a run, as its code sees them. */

import type { StateAccess } from "../context.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { setState } from "./commands.js";
import type { Run } from "./run.js";

/** Reads and writes the entries; writes become commands. */
export class RunState implements StateAccess {
  readonly #run: Run;
  readonly #entries: Map<string, Payload>;

  constructor(run: Run, entries: Readonly<Record<string, Payload>>) {
    this.#run = run;
    this.#entries = new Map(Object.entries(entries));
  }

  get<T = unknown>(name: string): T | undefined {
    const payload = this.#entries.get(name);
    return payload === undefined ? undefined : (this.#run.settings.converter.decode(payload) as T);
  }

  set(name: string, value: unknown): void {
    this.#write(name, this.#run.settings.converter.encode(value));
  }

  delete(name: string): void {
    if (this.#entries.has(name)) this.#write(name, undefined);
  }

  names(): string[] {
    return [...this.#entries.keys()].sort();
  }

  #write(name: string, value: Payload | undefined): void {
    const { key, isRecorded } = this.#run.claim("state", name, `state:${name}`, undefined);
    if (value === undefined) this.#entries.delete(name);
    else this.#entries.set(name, value);
    if (!isRecorded) this.#run.push(setState(key, name, value));
  }
}
