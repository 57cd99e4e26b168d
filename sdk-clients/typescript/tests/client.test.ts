// The client against a server in this process: requests, errors, retries, watching.
import { getEventListeners } from "node:events";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type sendUnaryData, type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { Client, defineWorkflow, RpcError, WaitTimeoutError, WorkflowError } from "../src/index.js";
import {
  ConversationService, type SubmitMessageRequest, type WatchConversationRequest, WatchConversationResponseSchema,
} from "../src/gen/everturn/v1/conversation_service_pb.js";
import { type StartWorkflowRequest, type WaitResultRequest, WorkflowService } from "../src/gen/everturn/v1/workflow_service_pb.js";
import { RunStatus } from "../src/gen/everturn/v1/event_pb.js";
import { type FakeServer, serve, statusError } from "./fake-server.js";
import { json, message } from "./journals.js";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function clientOf({ address, stop }: FakeServer, options: object = {}): Client {
  const client = new Client({ address, namespace: "n", retry: { initial: 1, max: 5, elapsed: "2s" }, ...options });
  cleanups.push(() => { client.close(); stop(); });
  return client;
}

/** Answers unary calls from a script: messages, or errors. */
function unary<Request>(answers: readonly unknown[], seen: Request[] = []) {
  let next = 0;
  return (call: ServerUnaryCall<Request, unknown>, callback: sendUnaryData<unknown>): void => {
    seen.push(call.request);
    const answer = answers[Math.min(next, answers.length - 1)];
    next += 1;
    if (answer instanceof Error) callback(answer);
    else callback(null, answer);
  };
}

describe("calls", () => {
  test("carry what they say, and a new id that stays the same in retries", async () => {
    const seen: SubmitMessageRequest[] = [];
    const unavailable = statusError(status.UNAVAILABLE, "moving", { reason: "PARTITION_MOVED", retryMs: 1 });
    const client = clientOf(await serve(ConversationService, { submitMessage: unary([unavailable, unavailable, { conversationId: "c", messageSequence: 7n, acceptTime: { seconds: 3n } }], seen) }));
    const options = { conversationType: "support", turnPolicy: { debounce: { quiet: "1s" }, onBusy: "STEER" }, labels: { a: "b" } } as const;
    expect(await client.conversations.submitMessage("c", "hi", options)).toEqual({ conversationId: "c", sequence: 7, acceptTime: new Date(3000) });
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map((it) => it.providerMessageId)).size).toBe(1);
    expect(seen[0]).toMatchObject({ namespace: "n", channel: "chat", conversationType: "support", turnPolicy: { onBusy: 3, debounce: { quiet: { seconds: 1n } } } });
  });

  test("throw errors with reason, fields, delay and metadata", async () => {
    const error = statusError(status.INVALID_ARGUMENT, "2 fields are wrong", {
      reason: "FIELD_INVALID", metadata: { hint: "x" }, fields: [["conversation_id", "is empty"], ["channel", "is empty"]],
    });
    const client = clientOf(await serve(ConversationService, { submitMessage: unary([error]) }));
    const thrown: unknown = await client.conversations.submitMessage("", "hi").catch((it: unknown) => it);
    expect(thrown).toBeInstanceOf(RpcError);
    expect(thrown).toMatchObject({
      code: "INVALID_ARGUMENT", reason: "FIELD_INVALID", metadata: { hint: "x" }, retryDelayMs: undefined,
      fieldViolations: [{ field: "conversation_id", description: "is empty" }, { field: "channel", description: "is empty" }],
      message: "FIELD_INVALID: 2 fields are wrong; conversation_id: is empty; channel: is empty",
    });
  });

  test("are repeated on RESOURCE_EXHAUSTED only when the server says when to come back", async () => {
    const seen: unknown[] = [];
    const limit = statusError(status.RESOURCE_EXHAUSTED, "too much", { reason: "LIMIT_EXCEEDED" });
    const busy = statusError(status.RESOURCE_EXHAUSTED, "busy", { reason: "BUSY", retryMs: 2 });
    const client = clientOf(await serve(ConversationService, { submitMessage: unary([busy, limit], seen) }));
    await expect(client.conversations.submitMessage("c", "hi")).rejects.toMatchObject({ reason: "LIMIT_EXCEEDED" });
    expect(seen).toHaveLength(2);
  });

  test("give up when the server stays away", async () => {
    const client = new Client({ address: "127.0.0.1:1", retry: { elapsed: 50 } });
    await expect(client.conversations.get("c")).rejects.toMatchObject({ code: "UNAVAILABLE", reason: "" });
    client.close();
  });
});

describe("watching", () => {
  test("goes on after the last message when the connection breaks, and ends when the conversation closes", async () => {
    const after: bigint[] = [];
    const updates: MessageInitShape<typeof WatchConversationResponseSchema>["update"][][] = [
      [{ case: "message", value: message("one", 1) }, { case: "caughtUp", value: {} }, { case: "message", value: message("two", 2) }],
      [{ case: "turnChanged", value: { number: 1n, status: 2 } }, { case: "message", value: message("three", 3) }, { case: "closed", value: { reason: "done" } }],
    ];
    const client = clientOf(await serve(ConversationService, {
      watchConversation: (call: ServerWritableStream<WatchConversationRequest, unknown>) => {
        after.push(call.request.afterSequence);
        const batch = updates[after.length - 1]!;
        for (const update of batch) call.write(create(WatchConversationResponseSchema, { update: update! }));
        if (after.length === 1) call.emit("error", { code: status.UNAVAILABLE, details: "away" });
        else call.end();
      },
    }));
    const seen: string[] = [];
    for await (const update of client.conversations.watch("c")) {
      seen.push(update.type === "message" ? update.message.text : update.type === "turn" ? `turn ${update.status ?? "ended"}` : update.type);
    }
    expect(seen).toEqual(["one", "caught up", "two", "turn asking", "three", "closed"]);
    expect(after).toEqual([0n, 2n]);
  });

  test("of a quiet conversation goes on however long nothing was said before the connection broke", async () => {
    let streams = 0;
    const client = clientOf(await serve(ConversationService, {
      watchConversation: (call: ServerWritableStream<WatchConversationRequest, unknown>) => {
        streams += 1;
        call.write(create(WatchConversationResponseSchema, { update: { case: "caughtUp", value: {} } }));
        if (streams === 1) setTimeout(() => { call.emit("error", { code: status.UNAVAILABLE, details: "away" }); }, 300);
        else {
          call.write(create(WatchConversationResponseSchema, { update: { case: "closed", value: {} } }));
          call.end();
        }
      },
    }), { retry: { initial: 1, elapsed: 200 } });
    const seen: string[] = [];
    for await (const update of client.conversations.watch("c")) seen.push(update.type);
    expect(seen).toEqual(["caught up", "caught up", "closed"]);
  });

  test("leaves nothing of its streams at a signal that lives on", async () => {
    let streams = 0;
    const client = clientOf(await serve(ConversationService, {
      watchConversation: (call: ServerWritableStream<WatchConversationRequest, unknown>) => {
        streams += 1;
        call.write(create(WatchConversationResponseSchema, { update: streams < 5 ? { case: "caughtUp", value: {} } : { case: "closed", value: {} } }));
        call.end();
      },
    }));
    const { signal } = new AbortController();
    const seen: string[] = [];
    for await (const { type } of client.conversations.watch("c", { signal })) seen.push(type);
    expect([streams, seen.length]).toEqual([5, 5]);
    await expect.poll(() => getEventListeners(signal, "abort").length).toBe(0);
  });

  test("ends when its signal is aborted", async () => {
    const client = clientOf(await serve(ConversationService, {
      watchConversation: (call: ServerWritableStream<WatchConversationRequest, unknown>) => {
        call.write(create(WatchConversationResponseSchema, { update: { case: "caughtUp", value: {} } }));
      },
    }));
    const abort = new AbortController();
    const seen: string[] = [];
    for await (const update of client.conversations.watch("c", { signal: abort.signal })) {
      seen.push(update.type);
      abort.abort();
    }
    expect(seen).toEqual(["caught up"]);
  });
});

describe("workflows", () => {
  test("are started by their type with their input", async () => {
    const seen: StartWorkflowRequest[] = [];
    const client = clientOf(await serve(WorkflowService, { startWorkflow: unary([{ runId: "r" }], seen) }));
    const order = defineWorkflow<{ amount: number }, string>("order", () => "");
    expect(await client.workflows.start(order, { amount: 5 }, { workflowId: "o-1", executionTimeout: "1h" })).toEqual({ workflowId: "o-1", runId: "r" });
    expect(seen[0]).toMatchObject({ workflowType: "order", executionTimeout: { seconds: 3600n } });
    expect(seen[0]?.requestId).not.toBe("");
    expect(new TextDecoder().decode(seen[0]?.input?.data)).toBe(`{"amount":5}`);
  });

  test("give their result when they are done, round after round", async () => {
    const seen: WaitResultRequest[] = [];
    const running = { status: RunStatus.RUNNING, runId: "r" };
    const done = { status: RunStatus.COMPLETED, runId: "r", result: json("ok") };
    const client = clientOf(await serve(WorkflowService, { waitResult: unary([running, done], seen) }));
    expect(await client.workflows.waitResult("o")).toBe("ok");
    expect(seen.map((it) => it.runId)).toEqual(["", "r"]);
  });

  test("are waited for over a break however long the wait was before", async () => {
    const seen: WaitResultRequest[] = [];
    const client = clientOf(await serve(WorkflowService, {
      waitResult: (call: ServerUnaryCall<WaitResultRequest, unknown>, callback: sendUnaryData<unknown>) => {
        seen.push(call.request);
        if (seen.length === 1) setTimeout(() => { callback(statusError(status.UNAVAILABLE, "away", {})); }, 300);
        else callback(null, { status: RunStatus.COMPLETED, runId: "r", result: json("ok") });
      },
    }), { retry: { initial: 1, elapsed: 200 } });
    expect(await client.workflows.waitResult("o", { timeout: "5s" })).toBe("ok");
    // What is left of the time, not all of it again.
    expect(seen.map((it) => Number(it.maxWait?.seconds))).toEqual([4, 4]);
  });

  test("that do not complete throw how they ended", async () => {
    const failed = { status: RunStatus.FAILED, runId: "r", failure: { type: "Declined", message: "no" } };
    const client = clientOf(await serve(WorkflowService, { waitResult: unary([failed]) }));
    const thrown: unknown = await client.workflows.waitResult("o").catch((it: unknown) => it);
    expect(thrown).toBeInstanceOf(WorkflowError);
    expect(thrown).toMatchObject({ status: "failed", failure: { type: "Declined" }, message: `workflow "o" (run r) failed: Declined: no` });
  });

  test("that take too long are waited for no longer than asked", async () => {
    const client = clientOf(await serve(WorkflowService, { waitResult: unary([{ status: RunStatus.RUNNING, runId: "r" }]) }));
    await expect(client.workflows.waitResult("o", { timeout: 20 })).rejects.toBeInstanceOf(WaitTimeoutError);
  });

  test("are listed over all pages", async () => {
    const run = (workflowId: string) => ({ workflowId, runId: "r", status: RunStatus.RUNNING, startTime: { seconds: 1n } });
    const client = clientOf(await serve(WorkflowService, { listWorkflows: unary([{ runs: [run("a"), run("b")], nextPageToken: "t" }, { runs: [run("c")] }]) }));
    const ids: string[] = [];
    for await (const { workflowId, status: how } of client.workflows.list()) ids.push(`${workflowId} ${how}`);
    expect(ids).toEqual(["a running", "b running", "c running"]);
  });
});
