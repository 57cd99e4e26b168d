/** Promises of durable code that are rejected and looked at by nobody: logged, not fatal. */

import { CanceledError, StepError } from "../errors.js";
import type { Logger } from "../logger.js";

const watchers = new Set<Logger>();

/**
 * Keeps the process alive when a branch of durable code fails that nobody awaits: one bug in one run
 * must not take the others down, in every replay again. Outcomes of steps that lost a race are not
 * worth a line. Workers of one process share one watch.
 *
 * @returns Ends the watch.
 */
export function watchRejections(logger: Logger): () => void {
  if (watchers.size === 0) process.on("unhandledRejection", listener);
  watchers.add(logger);
  return () => {
    watchers.delete(logger);
    if (watchers.size === 0) process.off("unhandledRejection", listener);
  };
}

function listener(reason: unknown): void {
  if (reason instanceof StepError || reason instanceof CanceledError) return;
  const error = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  const [logger] = watchers;
  logger?.error("unhandled rejection", { error });
}
