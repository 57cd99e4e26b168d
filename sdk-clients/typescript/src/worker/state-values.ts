/** The values of large states that a worker keeps, those used last: each is sent to it once. */

import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import type { TurnInput } from "../gen/everturn/v1/turn_pb.js";

/** What a value counts besides its bytes: as the coordinator reckons, so that both know about the same. */
const VALUE_OVERHEAD = 256;

/** Values by conversation and version. */
export class StateValues {
  /** The longest unused first. */
  readonly #values = new Map<string, Payload>();
  #bytes = 0;

  constructor(private readonly bytesMax: number) {}

  /** Puts the values that were left out into what a turn is given, and keeps the others; false if one is not here. */
  complete(turn: TurnInput): boolean {
    const given: [string, string][] = [];
    for (const [name, version] of Object.entries(turn.stateVersions)) {
      const key = `${turn.conversationId}\n${String(version)}`;
      if (Object.hasOwn(turn.state, name)) {
        given.push([name, key]);
        continue;
      }
      const value = this.#take(key);
      if (value === undefined) return false;
      put(turn.state, name, value);
    }
    // After those that are here: none of them is pushed out before it was used.
    for (const [name, key] of given) {
      const value = turn.state[name];
      if (value !== undefined) put(turn.state, name, this.#keep(key, value));
    }
    return true;
  }

  #take(key: string): Payload | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  #keep(key: string, { data, ...others }: Payload): Payload {
    this.#remove(key);
    // A copy: what was read is a view into all that came with it.
    const value: Payload = { ...others, data: new Uint8Array(data) };
    this.#values.set(key, value);
    this.#bytes += sizeOf(value);
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.bytesMax) break;
      this.#remove(oldest);
    }
    return value;
  }

  #remove(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#bytes -= sizeOf(value);
  }
}

function sizeOf(value: Payload): number {
  return value.data.length + value.contentType.length + VALUE_OVERHEAD;
}

/** Sets an entry, whatever its name is. */
function put(state: Record<string, Payload>, name: string, value: Payload): void {
  Object.defineProperty(state, name, { value, enumerable: true, configurable: true, writable: true });
}
