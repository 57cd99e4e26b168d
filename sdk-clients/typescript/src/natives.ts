/**
 * What this package itself needs of the process: taken once, so that neither tests with simulated timers
 * nor the rules for the code of runs (see `replay/durable-globals.ts`) change how it works.
 */

/** Calls a function after the microtasks and ticks that are queued, in a turn of its own. */
export const setImmediate = globalThis.setImmediate;
/** Calls a function later. */
export const setTimeout = globalThis.setTimeout;
/** Gives a call up. */
export const clearTimeout = globalThis.clearTimeout;
/** Calls a function again and again. */
export const setInterval = globalThis.setInterval;
/** Gives the calls up. */
export const clearInterval = globalThis.clearInterval;
/** Calls a function once no promise reaction is left to run. */
export const nextTick = process.nextTick.bind(process);

const { performance } = globalThis;
const performanceNow = performance.now.bind(performance);

/** Milliseconds since some time in the past; never goes back. */
export function monotonicMs(): number {
  return performanceNow();
}

/** Milliseconds since 1970. */
export const epochMs = Date.now;
/** A number from 0 to below 1. */
export const random = Math.random;
