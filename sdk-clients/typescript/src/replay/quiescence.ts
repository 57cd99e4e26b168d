/** Waiting until code has gone as far as it can without news from outside. */

// Taken once, so that tests with simulated timers do not stop replay.
const nextTick = process.nextTick.bind(process);

/**
 * Resolves when no promise reaction is left to run. Ticks run only after the microtask queue has
 * drained, so a tick that is queued from within a microtask comes after everything that code could
 * still do. About a microsecond; no turn of the event loop.
 */
export function quiescence(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => {
      nextTick(resolve);
    });
  });
}
