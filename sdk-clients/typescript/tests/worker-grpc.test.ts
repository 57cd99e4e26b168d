// A worker over grpc-js: it finds the coordinator again and sends what was not accepted.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { silentLogger, Worker } from "../src/index.js";
import { WorkerService, type WorkRequest, type WorkResponse, WorkResponseSchema } from "../src/gen/everturn/v1/worker_service_pb.js";
import { serve } from "./fake-server.js";
import { json } from "./journals.js";

/** A coordinator for activities: hands one task out, and accepts results if told to. */
class Coordinator {
  readonly requests: WorkRequest[] = [];
  #wake: (() => void) | undefined;

  constructor(private readonly behave: (request: WorkRequest, send: (response: MessageInitShape<typeof WorkResponseSchema>) => void) => void) {}

  readonly work = (call: ServerDuplexStream<WorkRequest, WorkResponse>): void => {
    call.on("data", (request: WorkRequest) => {
      this.requests.push(request);
      this.behave(request, (response) => call.write(create(WorkResponseSchema, response)));
      this.#wake?.();
    });
    call.on("end", () => { call.end(); });
    call.on("error", () => undefined);
  };

  async until(holds: (requests: readonly WorkRequest[]) => boolean): Promise<void> {
    while (!holds(this.requests)) await new Promise<void>((resolve) => { this.#wake = resolve; });
  }
}

test("a worker survives a restart of the coordinator and reports again", async () => {
  const hasResult = (requests: readonly WorkRequest[]): boolean => requests.some((it) => it.activityResults.length > 0);
  const taskToken = new TextEncoder().encode("x");
  const first = new Coordinator((request, send) => {
    if (request.hello !== undefined) {
      send({ welcome: { streamId: 1n } });
      send({ activityTasks: [{ deliveryId: 1n, taskToken, activityType: "echo", input: json("hi") }] });
    }
  });
  const second = new Coordinator((request, send) => {
    if (request.hello !== undefined) send({ welcome: { streamId: 2n } });
    if (request.activityResults.length > 0) send({ acceptedResultIds: request.activityResults.map((it) => it.resultId) });
  });
  const before = await serve(WorkerService, { work: first.work });
  const worker = new Worker({ address: before.address, activities: { echo: (text: string) => text }, logger: silentLogger, handleSignals: false });
  const done = worker.run();
  await first.until(hasResult);
  before.stop();
  const after = await serve(WorkerService, { work: second.work }, Number(before.address.split(":")[1]));
  await second.until(hasResult);
  expect(second.requests[0]?.hello?.runningTaskTokens).toHaveLength(1);
  worker.stop();
  await done;
  after.stop();
});
