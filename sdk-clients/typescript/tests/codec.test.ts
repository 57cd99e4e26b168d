// The codec of the Work stream: the same bytes and the same messages as protobuf-es, whatever they hold.
import { isDeepStrictEqual } from "node:util";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { CommandSchema } from "../src/gen/everturn/v1/command_pb.js";
import { WorkRequestSchema, WorkResponseSchema } from "../src/gen/everturn/v1/worker_service_pb.js";
import { defineActivity, jsonConverter } from "../src/index.js";
import * as commands from "../src/replay/commands.js";
import { SeededRandom } from "../src/replay/random.js";
import { decodeWorkResponse } from "../src/worker/decode-response.js";
import { encodeWorkRequest } from "../src/worker/encode-request.js";

type RequestInit = MessageInitShape<typeof WorkRequestSchema>;
type ResponseInit = MessageInitShape<typeof WorkResponseSchema>;

const ROUNDS = 1_500;
const TEXTS = ["", "a", "reply#2", "customer-1/turn-7", "größe", "漢字かな", "👋🏽 hello", "x".repeat(25), "y".repeat(127), "z".repeat(70_000), "lone \ud800 half"];
const NUMBERS = [0n, 1n, 127n, 128n, 300n, 16_384n, 2n ** 31n, 2n ** 32n + 5n, 2n ** 53n - 1n];

/** Makes messages of every shape, from a seed. */
class Maker {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(String(seed));
  }

  below(count: number): number {
    return Math.floor(this.#random.number() * count);
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  list<T>(make: () => T, max = 4): T[] {
    return Array.from({ length: this.below(max) }, make);
  }

  maybe<Name extends string, T>(name: Name, make: () => T): Partial<Record<Name, T>> {
    return this.below(2) === 0 ? {} : ({ [name]: make() } as Record<Name, T>);
  }

  text = (): string => this.of(TEXTS);
  id = (): bigint => this.of(NUMBERS);
  uint = (): number => this.of([0, 1, 127, 128, 65_536, 0xffffffff]);
  flag = (): boolean => this.below(2) === 0;
  bytes = (): Uint8Array => new Uint8Array(this.of([0, 1, 5, 127, 128, 300, 66_000])).fill(this.below(256));
  payload = () => ({ data: this.bytes(), contentType: this.text() });
  time = () => ({ seconds: this.of([0n, 1n, 1_790_000_000n]), nanos: this.of([0, 1, 999_999_999]) });
  failure = () => ({ kind: this.below(6), type: this.text(), message: this.text(), ...this.maybe("details", this.payload), ...this.maybe("cause", () => ({ type: this.text() })) });
  usage = () => ({ inputTokens: this.id(), outputTokens: this.id(), costMicros: this.id(), currency: this.text() });
  attributes = (): Record<string, string> => Object.fromEntries(this.list(() => [this.text(), this.text()] as const, 3));
  content = () => ({ text: this.text(), ...this.maybe("data", this.payload), attributes: this.flag() ? {} : this.attributes(), attachments: this.list(() => ({ uri: this.text(), size: this.id(), sha256: this.bytes() }), 2) });
  draft = () => ({ channel: this.text(), authorName: this.text(), ...this.maybe("content", this.content), ...this.of([{}, {}, { change: { case: "editsSequence", value: this.id() } as const }]) });
  options = () => ({ taskQueue: this.text(), ...this.maybe("priority", () => this.below(10)), ...this.maybe("startToCloseTimeout", this.time) });

  command = (): MessageInitShape<typeof CommandSchema> => {
    const kinds: readonly MessageInitShape<typeof CommandSchema>["kind"][] = [
      { case: "scheduleActivity", value: { activityType: this.text(), ...this.maybe("input", this.payload), ...this.maybe("options", this.options) } },
      { case: "startTimer", value: this.maybe("delay", this.time) },
      { case: "startChild", value: { workflowType: this.text(), ...this.maybe("input", this.payload) } },
      { case: "recordLocal", value: { seenEventId: this.id(), outcome: { case: "result", value: this.payload() } } },
      { case: "sendMessage", value: this.draft() },
      { case: "ask", value: this.maybe("message", this.draft) },
      { case: "setState", value: { name: this.text(), ...this.maybe("value", this.payload) } },
      { case: "sendSignal", value: { workflowId: this.text(), signalName: this.text() } },
      { case: "cancelCommand", value: { targetKey: this.text() } },
      { case: "completeRun", value: this.maybe("result", this.payload) },
      { case: "failRun", value: this.maybe("failure", this.failure) },
      { case: "requestApproval", value: { title: this.text(), ...this.maybe("arguments", this.payload) } },
      { case: "handOff", value: { assignee: { kind: { case: "team", value: this.text() } }, reason: this.text() } },
    ];
    const kind = this.of(kinds);
    return { key: this.text(), ...(kind === undefined || this.below(20) === 0 ? {} : { kind }) };
  };

  request(): RequestInit {
    return {
      ...this.maybe("hello", () => ({ namespace: this.text(), identity: this.text(), runningTaskTokens: this.list(this.bytes), queues: this.list(() => ({ taskQueue: this.text(), kind: this.below(3), canReconcile: this.flag(), canShowTyping: this.flag() })) })),
      ...this.maybe("credits", () => ({ workflowCount: this.uint(), activityCount: this.uint() })),
      ackedDeliveryIds: this.list(this.id, 6),
      activityResults: this.list(() => ({
        resultId: this.id(), taskToken: this.bytes(), ...this.maybe("usage", this.usage),
        ...this.of([{}, { outcome: { case: "result", value: this.payload() } as const }, { outcome: { case: "failure", value: this.failure() } as const }]),
      })),
      workflowTaskResults: this.list(() => ({
        resultId: this.id(), taskToken: this.bytes(), seenEventId: this.id(), commands: this.list(this.command, 6),
        ...this.maybe("failure", this.failure), needsFullJournal: this.flag(), runCached: this.flag(),
      })),
      heartbeats: this.list(() => ({ taskToken: this.bytes(), ...this.maybe("details", this.payload) })),
      ping: this.id(),
      pong: this.id(),
      draining: this.flag(),
      outputs: this.list(() => ({ taskToken: this.bytes(), sequence: this.id(), data: this.bytes() })),
    };
  }

  message = () => ({
    sequence: this.id(), authorKind: this.below(5), authorName: this.text(), channel: this.text(), providerMessageId: this.text(), turn: this.id(),
    ...this.maybe("content", this.content), ...this.maybe("createTime", this.time), ...this.maybe("delivery", () => ({ status: this.below(8), address: this.text() })),
    isAutomatic: this.flag(), isNote: this.flag(), customerAddress: this.text(), ...this.maybe("mergedFrom", () => ({ conversationId: this.text(), sequence: this.id() })),
    ...this.of([{}, { change: { case: "editsSequence", value: this.id() } as const }, { change: { case: "retractsSequence", value: this.id() } as const }]),
  });

  event = () => {
    const turn = () => ({
      conversationId: this.text(), conversationType: this.text(), number: this.id(), cause: this.below(6), messages: this.list(this.message), recent: this.list(this.message),
      state: Object.fromEntries(this.list(() => [this.text(), this.payload()] as const, 3)), replyChannel: this.text(), addresses: this.attributes(),
      events: this.list(() => ({ sequence: this.id(), eventType: this.text(), payload: this.payload() })),
    });
    const kind = this.of<NonNullable<NonNullable<NonNullable<ResponseInit["workflowTasks"]>[number]["events"]>[number]["kind"]>>([
      { case: "runStarted", value: { workflowType: this.text(), taskQueue: this.text(), parentWorkflowId: this.text(), ...this.maybe("input", this.payload), ...this.maybe("turn", turn), ...this.maybe("executionTimeout", this.time) } },
      { case: "activityCompleted", value: { key: this.text(), attempt: this.uint(), ...this.maybe("result", this.payload), ...this.maybe("usage", this.usage) } },
      { case: "activityFailed", value: { key: this.text(), attempt: this.uint(), ...this.maybe("failure", this.failure) } },
      { case: "timerFired", value: { key: this.text() } },
      { case: "messagesArrived", value: { messages: this.list(this.message) } },
      { case: "approvalDecided", value: { key: this.text(), outcome: this.below(6), ...this.maybe("arguments", this.payload) } },
    ]);
    return { id: this.id(), ...this.maybe("time", this.time), ...(this.below(20) === 0 ? {} : { kind }) };
  };

  response(): ResponseInit {
    return {
      typing: this.list(() => ({ conversationId: this.text(), channel: this.text(), authorKind: this.below(5), isTyping: this.flag() }), 2),
      ...this.maybe("welcome", () => ({ streamId: this.id(), serverVersion: this.text(), abortedTaskIndexes: [1, 2] })),
      activityTasks: this.list(() => ({
        deliveryId: this.id(), taskToken: this.bytes(), activityType: this.text(), attempt: this.uint(), workflowId: this.text(), runId: this.text(), key: this.text(),
        taskQueue: this.text(), ...this.maybe("input", this.payload), ...this.maybe("deadline", this.time), ...this.maybe("heartbeatTimeout", this.time),
        ...this.maybe("heartbeatDetails", this.payload), ...this.maybe("delivery", () => ({ conversationId: this.text(), message: this.message(), reconcile: this.flag() })),
      })),
      workflowTasks: this.list(() => ({
        deliveryId: this.id(), taskToken: this.bytes(), workflowId: this.text(), runId: this.text(), workflowType: this.text(), previousEventId: this.id(), lastEventId: this.id(),
        events: this.list(this.event),
      })),
      acceptedResultIds: this.list(this.id, 6),
      rejections: this.list(() => ({ resultId: this.id(), reason: this.text(), unreadEvents: this.list(this.event, 2) })),
      cancels: this.list(() => ({ taskToken: this.bytes(), fenced: this.flag() })),
      evictedRunIds: this.list(this.text),
      ping: this.id(),
      pong: this.id(),
      draining: this.flag(),
    };
  }
}

test("requests are encoded to the very bytes of protobuf-es", () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const request = create(WorkRequestSchema, new Maker(seed).request());
    const bytes = encodeWorkRequest(request);
    if (!bytes.equals(toBinary(WorkRequestSchema, request))) throw new Error(`other bytes with the seed ${String(seed)}`);
  }
});

test("responses are decoded to the very messages of protobuf-es", () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const bytes = Buffer.from(toBinary(WorkResponseSchema, create(WorkResponseSchema, new Maker(seed).response())));
    if (!isDeepStrictEqual(decodeWorkResponse(bytes), fromBinary(WorkResponseSchema, bytes))) throw new Error(`another message with the seed ${String(seed)}`);
  }
});

describe("what is not understood is left to protobuf-es", () => {
  test("a field of a newer server is kept", () => {
    const newer = new BinaryWriter().tag(8, WireType.Varint).uint64(7).tag(99, WireType.LengthDelimited).string("later").finish();
    const decoded = decodeWorkResponse(Buffer.from(newer));
    expect([decoded.ping, decoded.$unknown?.length]).toEqual([7n, 1]);
  });

  test("numbers beyond 53 bits are whole", () => {
    const response = create(WorkResponseSchema, { ping: 2n ** 64n - 1n, workflowTasks: [{ deliveryId: 2n ** 63n }] });
    expect(decodeWorkResponse(Buffer.from(toBinary(WorkResponseSchema, response)))).toEqual(response);
  });

  test("bytes that are cut off are an error, not half a message", () => {
    const bytes = Buffer.from(toBinary(WorkResponseSchema, create(WorkResponseSchema, { activityTasks: [{ activityType: "charge", key: "charge" }] })));
    for (let length = 1; length < bytes.length; length += 1) expect(() => decodeWorkResponse(bytes.subarray(0, length))).toThrow();
  });

  test("what a converter adds to its payloads is sent", () => {
    const unknown = [{ no: 99, wireType: WireType.Varint, data: new Uint8Array([1]) }];
    const value = { $typeName: "everturn.v1.Payload" as const, data: new Uint8Array([1]), contentType: "", $unknown: unknown };
    const request = create(WorkRequestSchema, { activityResults: [{ resultId: 1n, outcome: { case: "result", value } }] });
    expect(encodeWorkRequest(request).equals(toBinary(WorkRequestSchema, request))).toBe(true);
  });
});

test("commands that are written as literals are what `create` makes", () => {
  const { options } = defineActivity("a", { taskQueue: "q", retry: { maximumAttempts: 2 }, startToCloseTimeout: "5s" });
  const input = jsonConverter.encode({ a: 1 });
  const draft = commands.draft({ text: "hi", data: { card: 1 }, attributes: { subject: "s" } }, { channel: "email", author: "bot" }, jsonConverter);
  const made = [
    commands.scheduleActivity("k", "a", input, options), commands.startTimer("k", "1s"), commands.startChild("k", "c", input, { executionTimeout: "1s" }),
    commands.recordLocal("k", 3, input), commands.sendMessage("k", draft), commands.ask("k", undefined, false), commands.ask("k", draft, false), commands.setState("k", "n", undefined),
    commands.sendSignal("k", "w", "s", input), commands.cancelCommand("k"), commands.completeRun(undefined), commands.completeRun(input),
    commands.requestApproval("k", { title: "t", arguments: 1, details: 2, expires: "1d" }, jsonConverter), commands.handOff("k", { team: "t", context: 1 }, jsonConverter),
  ];
  for (const command of made) expect(create(CommandSchema, fromBinary(CommandSchema, toBinary(CommandSchema, command)))).toEqual(command);
});
