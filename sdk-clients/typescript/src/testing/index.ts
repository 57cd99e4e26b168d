/** Tests without a coordinator: runs in memory, recorded journals, contexts for activities. */

export { activityContext, type TestActivityContext, type TestActivityOptions } from "./activity-context.js";
export {
  type ScriptedAnswer,
  TestEnvironment,
  type TestEnvironmentOptions,
  type TestHandle,
  type TestReply,
  type TurnScript,
} from "./environment.js";
export { readJournal, replayJournal, type ReplayOptions, type ReplayOutcome, writeJournal } from "./replay-journal.js";
