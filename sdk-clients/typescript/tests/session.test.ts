// A worker's side of the Work protocol as plain state.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type WorkRequest, WorkResponseSchema, WorkflowTaskResultSchema } from "../src/gen/everturn/v1/worker_service_pb.js";
import { type Received, Session } from "../src/worker/session.js";
import { plainFailure } from "../src/failure.js";
import { FailureKind } from "../src/gen/everturn/v1/failure_pb.js";
import { UsageSchema } from "../src/gen/everturn/v1/message_pb.js";
import { json } from "./journals.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const result = (value: unknown) => ({ case: "result", value: json(value) }) as const;

function sessionOf(slots = { activitySlots: 4, workflowSlots: 2 }): Session {
  return new Session({ namespace: "n", taskQueue: "q", identity: "me", buildId: "b", ...slots });
}

function receive(session: Session, response: MessageInitShape<typeof WorkResponseSchema>, nowMs = 0): Received {
  return session.receive(create(WorkResponseSchema, response), nowMs);
}

function open(session: Session, welcome: object = {}): WorkRequest {
  const hello = session.connect(0);
  receive(session, { welcome: { streamId: 1n, pingInterval: { seconds: 10n }, ...welcome } });
  return hello;
}

const task = (token: string, deliveryId = 1n) => ({ deliveryId, taskToken: bytes(token), activityType: "a" });

describe("a session", () => {
  test("says who it is, then grants all its slots", () => {
    const session = sessionOf();
    expect(open(session).hello).toMatchObject({
      namespace: "n", identity: "me", buildId: "b",
      queues: [{ taskQueue: "q", kind: 1 }, { taskQueue: "q", kind: 2 }],
    });
    expect(session.take(0)?.credits).toMatchObject({ activityCount: 4, workflowCount: 2 });
    expect(session.take(0)).toBeUndefined();
  });

  test("subscribes only to what it has code for", () => {
    expect(open(sessionOf({ activitySlots: 1, workflowSlots: 0 })).hello?.queues).toMatchObject([{ kind: 2 }]);
  });

  test("acknowledges tasks, sends results and tops credits up in one message", () => {
    const session = sessionOf();
    open(session);
    session.take(0);
    const received = receive(session, { activityTasks: [task("x", 7n), task("y", 8n)] });
    expect(received.activityTasks).toHaveLength(2);
    expect(session.finishActivity(bytes("x"), result(1))).toBe(true);
    const sent = session.take(0);
    expect(sent?.ackedDeliveryIds).toEqual([7n, 8n]);
    expect(sent?.activityResults).toHaveLength(1);
    session.take(0);
    receive(session, { acceptedResultIds: [1n] });
    expect(session.activities.unansweredCount).toBe(0);
    expect(session.activities.runningCount + session.activities.outstandingCredits).toBe(4);
  });

  test("runs a task once although it is delivered twice", () => {
    const session = sessionOf();
    open(session);
    expect(receive(session, { activityTasks: [task("x")] }).activityTasks).toHaveLength(1);
    expect(receive(session, { activityTasks: [task("x", 2n)] }).activityTasks).toHaveLength(0);
    expect(session.take(0)?.ackedDeliveryIds).toEqual([1n, 2n]);
  });

  test("keeps results until they are answered, lists them and sends them again after a reconnect", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x"), task("y", 2n), task("z", 3n)] });
    session.finishActivity(bytes("x"), result(1));
    session.take(0);
    session.disconnect();
    session.finishActivity(bytes("y"), result(2));
    const hello = session.connect(0).hello;
    expect(hello?.runningTaskTokens.map((it) => new TextDecoder().decode(it))).toEqual(["z", "x", "y"]);
    const { cancels } = receive(session, { welcome: { abortedTaskIndexes: [0, 1] } });
    expect(cancels).toEqual([{ token: "z", isFenced: true }]);
    expect(session.take(0)?.activityResults.map((it) => it.resultId)).toEqual([2n]);
    expect(session.finishActivity(bytes("z"), result(3))).toBe(false);
  });

  test("turns a value that the server refuses into a failure", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x")] });
    session.finishActivity(bytes("x"), result("big"));
    session.take(0);
    receive(session, { rejections: [{ resultId: 1n, reason: "LIMIT_EXCEEDED", message: "too big" }] });
    expect(session.take(0)?.activityResults[0]?.outcome).toMatchObject({ case: "failure", value: { type: "LIMIT_EXCEEDED", nonRetryable: true } });
  });

  test("turns a failure that the server refuses into one without its content, at last without its usage", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x")] });
    const failure = plainFailure(FailureKind.WORKER_LOST, "Odd", "odd");
    session.finishActivity(bytes("x"), { case: "failure", value: failure }, create(UsageSchema, { costMicros: 5n }));
    const refused = (resultId: bigint) => receive(session, { rejections: [{ resultId, reason: "FIELD_INVALID", message: "odd" }] }).dropped.length;
    session.take(0);
    expect(refused(1n)).toBe(0);
    expect(session.take(0)?.activityResults[0]).toMatchObject({ outcome: { value: { kind: FailureKind.WORKER_LOST, type: "FIELD_INVALID", nonRetryable: false, moreCauses: [] } }, usage: { costMicros: 5n } });
    expect(refused(2n)).toBe(0);
    expect(session.take(0)?.activityResults[0]?.usage).toBeUndefined();
    expect([refused(3n), session.activities.isSettled]).toEqual([1, true]);
  });

  test("sends a result again later when its partition moved, and drops one that is fenced", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x"), task("y", 2n)] });
    session.finishActivity(bytes("x"), result(1));
    session.finishActivity(bytes("y"), result(1));
    session.take(0);
    const { resendLater, dropped } = receive(session, {
      rejections: [{ resultId: 1n, reason: "PARTITION_MOVED" }, { resultId: 2n, reason: "FENCED" }],
    });
    expect([resendLater, dropped.length]).toEqual([[1], 1]);
    session.resend(resendLater);
    expect(session.take(0)?.activityResults.map((it) => it.resultId)).toEqual([1n]);
  });

  test("sends the last heartbeat before the failure that it belongs to", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x")] });
    session.heartbeat(bytes("x"), json("half"));
    session.finishActivity(bytes("x"), { case: "failure", value: { $typeName: "everturn.v1.Failure", kind: 1, type: "T", message: "", stackTrace: "", nonRetryable: false, moreCauses: [] } });
    const first = session.take(0);
    expect([first?.heartbeats.length, first?.activityResults.length]).toEqual([1, 0]);
    expect(session.take(0)?.activityResults).toHaveLength(1);
  });

  test("keeps the details of a heartbeat that was not sent when a newer one has none", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x")] });
    session.heartbeat(bytes("x"), json("half"));
    session.heartbeat(bytes("x"), undefined);
    expect(session.take(0)?.heartbeats[0]?.details).toMatchObject(json("half"));
  });

  test("answers pings, asks when it hears nothing, and gives up when no answer comes", () => {
    const session = sessionOf();
    open(session);
    session.take(0);
    receive(session, { ping: 5n });
    expect(session.take(0)?.pong).toBe(5n);
    expect(session.tick(9_000)).toBe(true);
    expect(session.take(9_000)).toBeUndefined();
    expect(session.tick(10_000)).toBe(true);
    expect(session.take(10_000)?.ping).toBe(1n);
    expect(session.tick(29_000)).toBe(true);
    expect(session.tick(30_000)).toBe(false);
  });

  test("gives up a stream that is not greeted", () => {
    const session = sessionOf();
    session.connect(0);
    expect(session.tick(9_999)).toBe(true);
    expect(session.tick(10_000)).toBe(false);
    expect(session.take(0)).toBeUndefined();
  });

  test("is done when a draining worker has reported everything", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x")] });
    session.startDraining();
    expect(session.isDone).toBe(false);
    const sent = session.take(0);
    expect([sent?.draining, sent?.credits]).toEqual([true, undefined]);
    session.finishActivity(bytes("x"), result(1));
    session.take(0);
    receive(session, { acceptedResultIds: [1n] });
    expect(session.isDone).toBe(true);
  });

  test("splits results into batches below the size of a message", () => {
    const session = sessionOf();
    open(session);
    receive(session, { activityTasks: [task("x"), task("y", 2n), task("z", 3n)] });
    const big = { case: "result", value: { ...json(1), data: new Uint8Array(1_700_000) } } as const;
    for (const token of ["x", "y", "z"]) session.finishActivity(bytes(token), big);
    const sizes = [session.take(0), session.take(0), session.take(0)].map((it) => it?.activityResults.length);
    expect(sizes).toEqual([1, 1, 1]);
  });
});

describe("workflow tasks", () => {
  const workflowTask = { deliveryId: 1n, taskToken: bytes("t"), runId: "r", workflowId: "w", workflowType: "test" };

  test("are answered by number; the answer names the run", () => {
    const session = sessionOf();
    open(session);
    session.take(0);
    const [first] = receive(session, { workflowTasks: [workflowTask] }).workflowTasks;
    session.finishWorkflow(first!.ref, [create(WorkflowTaskResultSchema)], true);
    const sent = session.take(0);
    expect(sent?.workflowTaskResults[0]?.taskToken).toEqual(bytes("t"));
    expect(sent?.credits?.workflowCount).toBeUndefined();
    expect(session.take(0)?.credits?.workflowCount).toBe(1);
    const { answers } = receive(session, { acceptedResultIds: [1n] });
    expect(answers).toMatchObject([{ type: "accepted", isClosing: true, ref: { runId: "r" } }]);
  });

  test("come back with unread events and are finished again", () => {
    const session = sessionOf();
    open(session);
    const [first] = receive(session, { workflowTasks: [workflowTask] }).workflowTasks;
    session.finishWorkflow(first!.ref, [create(WorkflowTaskResultSchema)], true);
    session.take(0);
    const { answers } = receive(session, { rejections: [{ resultId: 1n, reason: "UNREAD_EVENTS", unreadEvents: [{ id: 4n }] }] });
    expect(answers).toMatchObject([{ type: "unread", events: [{ id: 4n }] }]);
    expect(session.workflows.runningCount).toBe(1);
  });

  test("of a stream that is gone are void", () => {
    const session = sessionOf();
    open(session);
    const [first] = receive(session, { workflowTasks: [workflowTask] }).workflowTasks;
    session.disconnect();
    open(session);
    session.finishWorkflow(first!.ref, [create(WorkflowTaskResultSchema)], false);
    expect(session.take(0)?.workflowTaskResults).toEqual([]);
  });
});
