// What the package exports, by name: a change here is a change for users.
import { expect, test } from "vitest";
import * as everturn from "../src/index.js";
import * as testing from "../src/testing/index.js";
import * as v1 from "../src/v1.js";

test("the package exports these values", () => {
  expect(Object.keys(everturn).sort()).toEqual([
    "ActivityError", "ApplicationError", "CanceledError", "ChildError", "Client", "CommandError", "DeliveryUnknownError", "EverturnError", "LocalError", "NotDurableError", "PayloadError",
    "QuestionSuppressedError", "ReplayError", "RpcError", "SignalError", "StepError", "TurnInterruptedError", "WaitTimeoutError", "Worker", "WorkflowError",
    "declareWorkflow", "defineActivity", "defineConversation", "defineEvent", "defineSignal", "defineWorkflow", "handleEvent", "hashArguments",
    "implementActivity", "implementDelivery", "jsonConverter", "silentLogger", "stderrLogger", "textOf",
  ]);
  expect(Object.keys(testing).sort()).toEqual(["TestEnvironment", "activityContext", "readJournal", "replayJournal", "writeJournal"]);
});

test("the stubs have every service and the bridge to call them", () => {
  expect(v1).toMatchObject({ ConversationService: {}, TaskQueueService: {}, WorkerService: {}, WorkflowService: {} });
  expect([typeof v1.connectStub, typeof v1.stubOf]).toEqual(["function", "function"]);
});
