/** Local steps that run now, in this worker. */

import { setImmediate } from "../natives.js";
import { toFailure } from "../failure.js";
import type { Command } from "../gen/everturn/v1/command_pb.js";
import type { Failure } from "../gen/everturn/v1/failure_pb.js";
import type { Payload } from "../gen/everturn/v1/payload_pb.js";
import { encodeBounded, type PayloadConverter } from "../payload.js";
import { recordLocal } from "./commands.js";
import { localOutcome, type StepOutcome } from "./outcomes.js";

/** A local step that ended. */
export interface EndedLocal {
  /** The command that records it. */
  readonly command: Command;
  readonly outcome: StepOutcome;
}

/** The local steps of one run. */
export class Locals {
  readonly #ended: { readonly key: string; readonly outcome: Payload | Failure }[] = [];
  #running = 0;
  #wake: (() => void) | undefined;

  constructor(private readonly converter: PayloadConverter) {}

  /** Number of local steps that run or whose end was not taken. */
  get count(): number {
    return this.#running + this.#ended.length;
  }

  /** Runs a function, outside of the run's own code. */
  start(key: string, fn: () => unknown): void {
    this.#running += 1;
    setImmediate(() => {
      void this.#run(key, fn);
    });
  }

  /** Waits for the first that ends. */
  async next(seenEventId: number): Promise<EndedLocal> {
    while (this.#ended.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const { key, outcome } = this.#ended.shift() as { key: string; outcome: Payload | Failure };
    return { command: recordLocal(key, seenEventId, outcome), outcome: localOutcome(key, outcome) };
  }

  async #run(key: string, fn: () => unknown): Promise<void> {
    let outcome: Payload | Failure;
    try {
      outcome = encodeBounded(this.converter, await fn(), key);
    } catch (error) {
      outcome = toFailure(error, this.converter);
    }
    this.#running -= 1;
    this.#ended.push({ key, outcome });
    this.#wake?.();
  }
}
