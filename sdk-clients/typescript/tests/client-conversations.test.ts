// The client's calls about conversations, people and approvals, against a server in this process.
import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type sendUnaryData, type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { ConversationService, type WatchConversationRequest, WatchConversationResponseSchema } from "../src/gen/everturn/v1/conversation_service_pb.js";
import { WorkflowService } from "../src/gen/everturn/v1/workflow_service_pb.js";
import { Client, type ConversationUpdate, defineEvent, hashArguments } from "../src/index.js";
import { toPbTurnPolicy } from "../src/policy.js";
import { serve, statusError } from "./fake-server.js";
import { json, message } from "./journals.js";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A client, and the requests that a server got; every method gives its answer. */
async function calling(answers: Readonly<Record<string, unknown>>, service: typeof ConversationService | typeof WorkflowService = ConversationService) {
  const seen: Record<string, unknown>[] = [];
  const handlers = Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, (call: ServerUnaryCall<Record<string, unknown>, unknown>, callback: sendUnaryData<unknown>) => {
    seen.push(call.request);
    if (answer instanceof Error) callback(answer);
    else callback(null, answer);
  }]));
  const { address, stop } = await serve(service, handlers);
  const client = new Client({ address, namespace: "n", retry: { elapsed: 0 } });
  cleanups.push(() => { client.close(); stop(); });
  return { client, seen };
}

describe("events", () => {
  const orderDelayed = defineEvent<{ order: number }>("order-delayed");

  test("are submitted with their payload, and an id that makes a retry safe", async () => {
    const { client, seen } = await calling({ submitEvent: { eventSequence: 4n, acceptTime: { seconds: 3n } } });
    const options = { conversationType: "support", addresses: { email: "jo@example.org" }, replyChannel: "email", turnPolicy: { frequencyCap: { maxMessages: 2, window: "1d" } } } as const;
    expect(await client.conversations.submitEvent("c", orderDelayed, { order: 7 }, options)).toEqual({ sequence: 4, acceptTime: new Date(3000) });
    expect(seen[0]).toMatchObject({ namespace: "n", conversationId: "c", eventType: "order-delayed", addresses: { email: "jo@example.org" }, replyChannel: "email", turnPolicy: { frequencyCap: { maxMessages: 2, window: { seconds: 86_400n } } } });
    expect(seen[0]?.["eventId"]).toMatch(/^[0-9a-f-]{36}$/);
    await client.conversations.submitEvent("c", "paid", 5, { eventId: "e-1" });
    expect(seen[1]).toMatchObject({ eventType: "paid", eventId: "e-1", payload: { data: Buffer.from("5") } });
  });
});

describe("a conversation", () => {
  const conversation = {
    conversationId: "c", status: 3, turnPolicy: { onBusy: 2, onEvent: 3, quietHours: { timeZone: "", startMinute: 5, endMinute: 480 }, idleTimeout: { seconds: 60n }, frequencyCap: { maxMessages: 2, window: { seconds: 1n } }, budget: { tokens: 9n, currency: "EUR" } },
    pause: { reason: "holidays", pauseTime: { seconds: 1n } }, handover: { assignee: { kind: { case: "person", value: "ada" } }, reason: "vip", context: json({ a: 1 }), handOffTime: { seconds: 2n } },
    addresses: { email: "jo@example.org" }, waitingEventCount: 2, usage: { inputTokens: 5n, costMicros: 7n, currency: "EUR" }, budgetReached: true, erasedRunCount: 4n,
  };

  test("tells who may act in it, what it used, and its policy", async () => {
    const { client } = await calling({ getConversation: { conversation } });
    expect(await client.conversations.get("c")).toMatchObject({
      status: "erased", pause: { reason: "holidays", pauseTime: new Date(1000) }, handover: { assignee: { person: "ada" }, reason: "vip", context: { a: 1 }, handOffTime: new Date(2000) },
      addresses: { email: "jo@example.org" }, waitingEventCount: 2, isBudgetReached: true, erasedRunCount: 4,
      usage: { inputTokens: 5, outputTokens: 0, costMicros: 7, currency: "EUR" }, turnUsage: { inputTokens: 0, outputTokens: 0, costMicros: 0, currency: "" },
      turnPolicy: { onBusy: "INTERRUPT", onEvent: "STEER", quietHours: { timeZone: "UTC", start: "00:05", end: "08:00" }, idleTimeout: 60_000, frequencyCap: { maxMessages: 2, window: 1000 }, budget: { tokens: 9, costMicros: 0, currency: "EUR" } },
    });
  });

  test("is changed by what is set and nothing else", async () => {
    const { client, seen } = await calling({ updateConversation: { conversation } });
    expect((await client.conversations.update("c", { labels: { vip: "" }, turnPolicy: { idleTimeout: 0, noQuietHours: true } })).conversationId).toBe("c");
    const policy = (seen[0] as { turnPolicy: Record<string, unknown> }).turnPolicy;
    expect(seen[0]).toMatchObject({ labels: { vip: "" }, addresses: {}, replyChannel: "", turnPolicy: { idleTimeout: { seconds: 0n, nanos: 0 }, onBusy: 0, noQuietHours: true } });
    expect([policy["interruptGrace"], policy["debounce"], policy["budget"]]).toEqual([undefined, undefined, undefined]);
  });

  test("is paused, resumed, handed off and back, written in by people, and erased", async () => {
    const { client: { conversations }, seen } = await calling({
      pauseConversation: {}, resumeConversation: {}, handOffConversation: { handoffEpoch: 3n }, handBackConversation: {}, sendHumanMessage: { messageSequence: 9n, tookOver: true },
      eraseConversation: { messageCount: 5n, runCount: 2n }, submitMessage: {},
    });
    await conversations.pause("c", { reason: "holidays" });
    await conversations.resume("c");
    expect(await conversations.handOff("c", { team: "billing", reason: "refund", context: { order: 7 } })).toEqual({ handoffEpoch: 3 });
    const options = { authorName: "Ada", seenThrough: 4, alreadySent: { providerMessageId: "p-1" } };
    expect(await conversations.sendHumanMessage("c", "Hello", options)).toEqual({ sequence: 9, tookOver: true, isEcho: false });
    await conversations.handBack("c", { authorName: "Ada", note: "done", handoffEpoch: 3 });
    expect(await conversations.erase("c", { reason: "asked to" })).toEqual({ messageCount: 5, runCount: 2 });
    await conversations.submitMessage("c", "hi", { channel: "email", customerAddress: "jo@example.org" });
    expect(seen).toMatchObject([
      { namespace: "n", conversationId: "c", reason: "holidays" }, { conversationId: "c" },
      { assignee: { kind: { case: "team", value: "billing" } }, reason: "refund", context: { data: Buffer.from(`{"order":7}`) } },
      { authorName: "Ada", content: { text: "Hello" }, channel: "", seenThroughSequence: 4n, alreadySent: { providerMessageId: "p-1" } },
      { authorName: "Ada", note: "done", handoffEpoch: 3n }, { reason: "asked to" }, { customerAddress: "jo@example.org" },
    ]);
    expect(seen[3]?.["requestId"]).not.toBe("");
  });

  test("takes receipts by position or by the provider's id", async () => {
    const { client: { conversations }, seen } = await calling({ reportDelivery: { status: 5 } });
    expect(await conversations.reportDelivery("c", { sequence: 3 }, "delivered")).toBe("read");
    await conversations.reportDelivery("c", { providerMessageId: "<1>" }, "failed", { detail: "bounced" });
    expect(seen).toMatchObject([{ target: { case: "messageSequence", value: 3n }, status: 4 }, { target: { case: "providerMessageId", value: "<1>" }, status: 6, detail: "bounced" }]);
  });

  test("hears what becomes of messages afterwards", async () => {
    const { client: { conversations }, seen } = await calling({
      resendMessage: {}, editMessage: { messageSequence: 3n, changeSequence: 5n }, retractMessage: { messageSequence: 3n }, addNote: { messageSequence: 6n },
    });
    await conversations.resendMessage("c", 4, { channel: "sms" });
    const attachments = [{ uri: "s3://box.png", name: "box.png", sha256: new Uint8Array(32) }];
    expect(await conversations.editMessage("c", { providerMessageId: "<1>" }, { text: "order 8", attachments })).toEqual({ sequence: 3, changeSequence: 5 });
    expect(await conversations.retractMessage("c", { channel: "email", providerMessageId: "<1>", customerAddress: "jo@example.org" })).toEqual({ sequence: 3, changeSequence: undefined });
    expect(await conversations.addNote("c", "calls back", { authorName: "Ada", requestId: "n-1" })).toEqual({ sequence: 6 });
    expect(seen).toMatchObject([
      { messageSequence: 4n, channel: "sms" },
      { channel: "chat", providerMessageId: "<1>", content: { text: "order 8", attachments: [{ uri: "s3://box.png", mediaType: "", name: "box.png", size: 0n }] } },
      { channel: "email", providerMessageId: "<1>", customerAddress: "jo@example.org" },
      { authorName: "Ada", content: { text: "calls back" }, requestId: "n-1" },
    ]);
    expect(seen[0]?.["requestId"]).not.toBe("");
  });

  test("has a policy for channels and machines that comes back as it was written", async () => {
    const turnPolicy = {
      channels: {
        sms: { expiresAfter: 7_200_000, onUndeliverable: "nextChannel" }, email: { expiresAfter: 1000, onUndeliverable: { event: "bounced" } },
        voice: { expiresAfter: 1000, onUndeliverable: { handOff: { person: "Ada" } } }, fax: { expiresAfter: 1000, onUndeliverable: "nothing" },
      },
      turnCap: { turns: 20, window: 60_000, then: { handOff: { team: "loops" } } }, onAutomatic: "TURN", ownAddresses: ["shop@example.org"], onEdit: "TURN",
    } as const;
    const { client: { conversations }, seen } = await calling({ setConversationType: {}, getConversationType: { settings: { turnPolicy: toPbTurnPolicy(turnPolicy) } } });
    await conversations.setType("support", { turnPolicy });
    expect(seen[0]).toMatchObject({ settings: { turnPolicy: { onAutomatic: 2, onEdit: 2, turnCap: { turns: 20 }, ownAddresses: ["shop@example.org"] } } });
    expect(await conversations.getType("support")).toMatchObject({ turnPolicy });
  });

  test("shows what the customer does not want, and where they cannot be reached", async () => {
    const conversation = { conversationId: "c", optOuts: { sms: 2, email: 3 }, failedAddresses: { email: { address: "jo@example.org", detail: "no such box", failTime: { seconds: 9n } } } };
    const { client: { conversations }, seen } = await calling({ updateConversation: { conversation } });
    expect(await conversations.update("c", { optOuts: { sms: "proactive", email: "none" } })).toMatchObject({
      optOuts: { sms: "proactive", email: "all" }, failedAddresses: { email: { address: "jo@example.org", detail: "no such box", failTime: new Date(9000) } },
    });
    expect(seen[0]).toMatchObject({ optOuts: { sms: 2, email: 1 } });
  });

  test("begins with what its type says", async () => {
    const { client: { conversations }, seen } = await calling({ setConversationType: {}, getConversationType: { settings: { turnPolicy: { onBusy: 3 }, retention: { seconds: 60n } } } });
    await conversations.setType("support", { turnPolicy: { onBusy: "STEER" }, retention: "30d" });
    expect(seen[0]).toMatchObject({ settings: { conversationType: "support", turnPolicy: { onBusy: 3 }, retention: { seconds: 2_592_000n } } });
    expect(await conversations.getType("support")).toMatchObject({ turnPolicy: { onBusy: "STEER" }, retention: 60_000 });
  });

  test("refuses with reasons", async () => {
    const { client } = await calling({ sendHumanMessage: statusError(status.FAILED_PRECONDITION, "it is handed to ada", { reason: "WRONG_ASSIGNEE" }) });
    await expect(client.conversations.sendHumanMessage("c", "hi", { authorName: "Bob" })).rejects.toMatchObject({ code: "FAILED_PRECONDITION", reason: "WRONG_ASSIGNEE" });
  });
});

describe("approvals", () => {
  const argumentsHash = createHash("sha256").update(`{"amount":700}`).digest();
  const approvals = [{ approvalId: "c/turn-1/approval", rootId: "c", status: 1, title: "Refund?", arguments: json({ amount: 700 }), argumentsHash, expireTime: { seconds: 9n } }];

  test("are listed, and decided for what the person has seen", async () => {
    const { client, seen } = await calling({ listApprovals: { approvals }, decideApproval: {} });
    for await (const approval of client.approvals.list({ rootId: "c", status: "pending" })) {
      expect(approval).toMatchObject({ title: "Refund?", arguments: { amount: 700 }, status: "pending", outcome: undefined, expireTime: new Date(9000) });
      await client.approvals.decide(approval, { decision: "approveWithChanges", arguments: { amount: 50 }, decider: "Ada", comment: "less" });
      await client.approvals.decide({ approvalId: "c/turn-1/approval", argumentsHash: hashArguments({ amount: 700 }) }, { decision: "reject", decider: "Ada" });
    }
    const decided = seen.slice(1) as { argumentsHash: Uint8Array; requestId: string; changedArguments?: unknown }[];
    expect(seen).toMatchObject([{ rootId: "c", status: 1 }, { decision: 2, decider: "Ada", comment: "less", changedArguments: { data: Buffer.from(`{"amount":50}`) } }, { decision: 3 }]);
    expect(decided.map((it) => argumentsHash.equals(it.argumentsHash))).toEqual([true, true]);
    expect([decided[1]?.changedArguments, decided[0]?.requestId === decided[1]?.requestId]).toEqual([undefined, false]);
  });
});

test("workflows are paused and resumed, and tell what they wait for and used", async () => {
  const run = { workflowId: "w", runId: "r", status: 1, paused: true, usage: { inputTokens: 5n } };
  const { client: { workflows }, seen } = await calling({
    pauseWorkflow: {}, resumeWorkflow: {}, describeWorkflow: { run, pendingApprovals: [{ key: "ship", approvalId: "w/ship" }], omittedActivityCount: 3 },
  }, WorkflowService);
  await workflows.pause("w", { reason: "check", runId: "r" });
  await workflows.resume("w");
  expect(seen).toMatchObject([{ workflowId: "w", runId: "r", reason: "check" }, { workflowId: "w", runId: "" }]);
  expect(await workflows.describe("w")).toMatchObject({ isPaused: true, usage: { inputTokens: 5 }, pendingApprovals: [{ key: "ship", approvalId: "w/ship", expireTime: undefined }], omittedActivityCount: 3 });
});

describe("watching", () => {
  type Update = NonNullable<MessageInitShape<typeof WatchConversationResponseSchema>["update"]>;
  const cursor = (key: string, sequence: bigint, attempt = 1) => ({ workflowId: "c/turn-1", key, attempt, sequence });
  const delta = (key: string, sequence: bigint, data: Uint8Array, attempt = 1): Update => ({ case: "outputDelta", value: { cursor: cursor(key, sequence, attempt), data } });

  async function watched(streams: readonly (readonly Update[])[], options: object = {}) {
    const requests: WatchConversationRequest[] = [];
    const { address, stop } = await serve(ConversationService, {
      watchConversation: (call: ServerWritableStream<WatchConversationRequest, unknown>) => {
        requests.push(call.request);
        for (const update of streams[requests.length - 1]!) call.write(create(WatchConversationResponseSchema, { update }));
        if (requests.length < streams.length) call.emit("error", { code: status.UNAVAILABLE, details: "away" });
        else call.end();
      },
    });
    const client = new Client({ address, retry: { initial: 1 } });
    cleanups.push(() => { client.close(); stop(); });
    const updates: ConversationUpdate[] = [];
    for await (const update of client.conversations.watch("c", options)) updates.push(update);
    return { requests, updates };
  }
  const closed: Update = { case: "closed", value: {} };

  test("hands out partial output as text, also where pieces share a character", async () => {
    const [first, second] = [Buffer.from("grö").subarray(0, 3), Buffer.from("grö").subarray(3)];
    const { updates } = await watched([[delta("draft", 1n, first), delta("draft", 2n, second), { case: "outputReset", value: { cursor: cursor("draft", 0n, 2) } }, delta("draft", 1n, Buffer.from("neu"), 2), { case: "outputEnded", value: { cursor: cursor("draft", 1n, 2) } }, closed]]);
    expect(updates.map((it) => (it.type === "outputDelta" ? it.text : it.type))).toEqual(["gr", "ö", "outputReset", "neu", "outputEnded", "closed"]);
    expect(updates[1]).toMatchObject({ cursor: { workflowId: "c/turn-1", key: "draft", attempt: 1, sequence: 2 }, data: Buffer.from(second) });
  });

  test("goes on in each output where it stood when the connection broke", async () => {
    const { requests } = await watched([
      [{ case: "message", value: message("hi", 1) }, delta("draft", 7n, Buffer.from("a")), delta("other", 1n, Buffer.from("b")), delta("done", 3n, Buffer.from("c")), { case: "outputReset", value: { cursor: cursor("other", 4n, 2) } }, { case: "outputEnded", value: { cursor: cursor("done", 3n) } }],
      [closed],
    ], { afterSequence: 0, outputCursors: [{ workflowId: "c/turn-1", key: "draft", attempt: 1, sequence: 6 }] });
    expect(requests.map((it) => [it.afterSequence, it.outputCursors.map(({ key, attempt, sequence }) => `${key} ${String(attempt)} ${String(sequence)}`)])).toEqual([
      [0n, ["draft 1 6"]], [1n, ["draft 1 7", "other 2 4"]],
    ]);
  });

  test("hands out each message and each piece of output once, whatever comes again after a break", async () => {
    const { updates } = await watched([
      [{ case: "message", value: message("hi", 1) }, delta("draft", 1n, Buffer.from("a")), delta("draft", 2n, Buffer.from("b"))],
      [{ case: "message", value: message("hi", 1) }, delta("draft", 1n, Buffer.from("a")), delta("draft", 2n, Buffer.from("b")), delta("draft", 3n, Buffer.from("c")), { case: "outputReset", value: { cursor: cursor("draft", 0n, 2) } }, delta("draft", 4n, Buffer.from("late")), closed],
    ]);
    expect(updates.map((it) => (it.type === "outputDelta" ? it.text : it.type))).toEqual(["message", "a", "b", "c", "outputReset", "closed"]);
  });

  test("begins outputs anew that the coordinator has less of", async () => {
    const requests: WatchConversationRequest[] = [];
    const { address, stop } = await serve(ConversationService, {
      watchConversation: (call: ServerWritableStream<WatchConversationRequest, unknown>) => {
        requests.push(call.request);
        if (requests.length === 1) {
          call.emit("error", statusError(status.INVALID_ARGUMENT, "beyond the output", { reason: "CURSOR_INVALID" }));
          return;
        }
        for (const update of [delta("draft", 1n, Buffer.from("a")), closed]) call.write(create(WatchConversationResponseSchema, { update }));
        call.end();
      },
    });
    const client = new Client({ address, retry: { initial: 1 } });
    cleanups.push(() => { client.close(); stop(); });
    const updates: ConversationUpdate[] = [];
    const outputCursors = [{ workflowId: "c/turn-1", key: "draft", attempt: 1, sequence: 6 }];
    for await (const update of client.conversations.watch("c", { outputCursors })) updates.push(update);
    expect(updates).toMatchObject([{ type: "outputReset", cursor: { key: "draft", attempt: 1, sequence: 0 } }, { type: "outputDelta", text: "a" }, { type: "closed" }]);
    expect(requests.map((it) => it.outputCursors.length)).toEqual([1, 0]);
  });

  test("tells of deliveries, and of who may act", async () => {
    const { updates, requests } = await watched([[
      { case: "delivery", value: { messageSequence: 3n, delivery: { status: 4, address: "jo@example.org", providerMessageId: "<1>", attempt: 1, updateTime: { seconds: 1n } } } },
      { case: "changed", value: { handover: { assignee: { kind: { case: "team", value: "billing" } } }, budgetReached: true } }, closed,
    ]], { outputs: false });
    expect(requests[0]?.withoutOutputs).toBe(true);
    expect(updates).toMatchObject([
      { type: "delivery", messageSequence: 3, delivery: { status: "delivered", address: "jo@example.org", providerMessageId: "<1>", attempt: 1, updateTime: new Date(1000) } },
      { type: "changed", pause: undefined, handover: { assignee: { team: "billing" } }, isBudgetReached: true }, { type: "closed" },
    ]);
  });
});
