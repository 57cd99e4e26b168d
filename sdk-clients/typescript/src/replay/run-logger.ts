/** The log of a run's code: each line once, not again in replay. */

import type { Logger, LogFields } from "../logger.js";
import type { RunHost } from "./run-host.js";
import { outside } from "./window.js";

/** A logger with the ids of the run that is silent while the run replays. */
export function runLogger(run: RunHost): Logger {
  const { logger } = run.settings;
  const line = (level: keyof Logger) => (message: string, fields?: LogFields): void => {
    if (run.isReplaying) return;
    // A logger writes files and asks for the time: that is not the run's doing.
    outside(() => { logger[level](message, { ...run.identity, workflowType: run.program.type, ...fields }); });
  };
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}
