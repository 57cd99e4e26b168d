/** SIGTERM and SIGINT, for all workers of a process: one listener, however many they are. */

const NAMES = ["SIGTERM", "SIGINT"] as const;
const stops = new Set<() => void>();

/** Calls `stop` for each signal; returns what ends that. */
export function onStopSignal(stop: () => void): () => void {
  if (stops.size === 0) for (const name of NAMES) process.on(name, stopAll);
  stops.add(stop);
  return () => {
    stops.delete(stop);
    if (stops.size === 0) for (const name of NAMES) process.off(name, stopAll);
  };
}

function stopAll(): void {
  for (const stop of [...stops]) stop();
}
