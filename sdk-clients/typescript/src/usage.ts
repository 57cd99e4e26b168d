/** Usage: what activities used of models and money. */

import { create } from "@bufbuild/protobuf";
import { type Usage as PbUsage, UsageSchema } from "./gen/everturn/v1/message_pb.js";

/** What was used. */
export interface Usage {
  /** Tokens read by models. */
  readonly inputTokens: number;
  /** Tokens written by models. */
  readonly outputTokens: number;
  /** Cost in millionths of `currency`. */
  readonly costMicros: number;
  /** ISO 4217 code of the currency; empty without a cost. */
  readonly currency: string;
}

const NOTHING: Usage = { inputTokens: 0, outputTokens: 0, costMicros: 0, currency: "" };

/** Adds what an attempt used. */
export class UsageTally {
  #total: Usage | undefined;

  /** What was used so far; `undefined` if nothing was reported. */
  get total(): Usage | undefined {
    return this.#total;
  }

  /** @throws RangeError if a number is not whole or negative, or costs come without a currency or in two. */
  add(usage: Partial<Usage>): void {
    const before = this.#total ?? NOTHING;
    for (const count of [usage.inputTokens, usage.outputTokens, usage.costMicros]) {
      if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0)) {
        throw new RangeError(`usage is counted in whole numbers from 0, found ${String(count)}`);
      }
    }
    const currency = usage.currency ?? "";
    if ((usage.costMicros ?? 0) > 0 && currency === "") throw new RangeError("a cost needs its currency");
    if (currency !== "" && !/^[A-Z]{3}$/.test(currency)) throw new RangeError(`a currency is a code of three capital letters, found "${currency}"`);
    if (currency !== "" && before.currency !== "" && currency !== before.currency) {
      throw new RangeError(`an attempt has costs in one currency, found ${before.currency} and ${currency}`);
    }
    this.#total = {
      inputTokens: before.inputTokens + (usage.inputTokens ?? 0),
      outputTokens: before.outputTokens + (usage.outputTokens ?? 0),
      costMicros: before.costMicros + (usage.costMicros ?? 0),
      currency: before.currency || currency,
    };
  }
}

/** Reads what was used; absent reads as nothing. */
export function fromPbUsage(usage: PbUsage | undefined): Usage {
  if (usage === undefined) return NOTHING;
  return {
    inputTokens: Number(usage.inputTokens),
    outputTokens: Number(usage.outputTokens),
    costMicros: Number(usage.costMicros),
    currency: usage.currency,
  };
}

/** Writes what was used. */
export function toPbUsage(usage: Usage): PbUsage {
  return create(UsageSchema, {
    inputTokens: BigInt(usage.inputTokens),
    outputTokens: BigInt(usage.outputTokens),
    costMicros: BigInt(usage.costMicros),
    currency: usage.currency,
  });
}
