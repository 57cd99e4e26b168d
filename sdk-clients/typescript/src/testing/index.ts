/** Tests without a coordinator: runs in memory, recorded journals, contexts for activities. */

export { activityContext, type TestActivityContext, type TestActivityOptions } from "./activity-context.js";
export { TestEnvironment, type TestEnvironmentOptions, type TestHandle } from "./environment.js";
export { readJournal, replayJournal, type ReplayOptions, type ReplayOutcome, writeJournal } from "./replay-journal.js";
export {
  type PeopleScript,
  type ScriptedAnswer,
  type ScriptedDecision,
  type ScriptedDelivery,
  type ScriptedEvent,
  type ScriptedHandBack,
  type TestReply,
  type TurnScript,
} from "./turn-script.js";
