// The cancellation saga: all of its steps stand, or none.
import { ApplicationError, type Client, RpcError, WaitTimeoutError, WorkflowError } from "everturn";
import { activityContext } from "everturn/testing";
import { expect, test } from "vitest";
import { activities } from "../src/activities.js";
import { cancellation, type Cancellation, cancelOrder } from "../src/cancellation.js";
import { desk } from "./desk.js";

function refuse(type: string) {
  return (): never => { throw new ApplicationError(`refused: ${type}`, { type, nonRetryable: true }); };
}

test("every step is taken once, under one reference", async () => {
  const { world, calls } = desk();
  expect(await world.start(cancellation, "NT-20482").result()).toEqual({ outcome: "canceled", reason: "" });
  expect(calls.steps).toEqual(["hold_parcel run-1", "take_back_points run-1", "return_payment run-1", "close_order run-1"]);
});

test("a payment that is declined undoes the steps before it, the last one first", async () => {
  const { world, calls } = desk({ return_payment: refuse("PaymentDeclined") });
  expect(await world.start(cancellation, "NT-20482").result()).toEqual({ outcome: "declined", reason: "refused: PaymentDeclined" });
  expect(calls.steps).toEqual(["hold_parcel run-1", "take_back_points run-1", "give_back_points run-1", "release_parcel run-1"]);
});

test("a parcel that has left is let go", async () => {
  const { world, calls } = desk({ hold_parcel: refuse("TooLate") });
  expect(await world.start(cancellation, "NT-20482").result()).toMatchObject({ outcome: "tooLate" });
  expect(calls.steps).toEqual(["release_parcel run-1"]);
});

test("an unknown failure undoes the steps as well, and fails the run", async () => {
  const { world, calls } = desk({ return_payment: refuse("Bug") });
  await expect(world.start(cancellation, "NT-20482").result()).rejects.toThrow("refused: Bug");
  expect(calls.steps.slice(2)).toEqual(["give_back_points run-1", "release_parcel run-1"]);
});

test("a compensation that fails holds up no other, and fails the run", async () => {
  const { world, calls } = desk({ return_payment: refuse("PaymentDeclined"), give_back_points: refuse("Bug") });
  await expect(world.start(cancellation, "NT-20482").result()).rejects.toThrow("refused: Bug");
  expect(calls.steps.at(-1)).toBe("release_parcel run-1");
});

test("a cancel before the payment undoes what was begun", async () => {
  const { world, calls } = desk({ take_back_points: () => world.sleep("1m") });
  const run = world.start(cancellation, "NT-20482");
  run.cancel("10s");
  await expect(run.result()).rejects.toMatchObject({ status: "canceled" });
  expect(calls.steps).toEqual(["hold_parcel run-1", "give_back_points run-1", "release_parcel run-1"]);
});

test("a cancel during the payment comes too late: money that is on its way is not left behind", async () => {
  const { world, calls } = desk({ return_payment: () => world.sleep("1m") });
  const run = world.start(cancellation, "NT-20482");
  run.cancel("10s");
  expect(await run.result()).toMatchObject({ outcome: "canceled" });
  expect(calls.steps.at(-1)).toBe("close_order run-1");
});

/** The activity that turns use, with a client whose `waitResult` answers one after the other. */
function cancelWith(answers: readonly (Cancellation | Error)[], start: () => Promise<unknown> = () => Promise.resolve()) {
  const left = [...answers];
  const waitResult = (): Promise<unknown> => {
    const answer = left.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const client = { workflows: { start, waitResult } } as unknown as Client;
  const found = activities(client).find(({ name }) => name === cancelOrder.name);
  if (found === undefined) throw new Error("it is served");
  return { run: found.run, probe: activityContext() };
}

const DONE: Cancellation = { outcome: "canceled", reason: "" };

test("a turn waits for the cancellation, however long it takes", async () => {
  const { run, probe } = cancelWith([new WaitTimeoutError("still running"), DONE]);
  expect(await run("NT-20482" as never, probe.context)).toEqual(DONE);
  expect(probe.heartbeats).toHaveLength(2);
});

test("a turn joins the cancellation that a superseded one has started", async () => {
  const open = (): Promise<never> => Promise.reject(new RpcError("it is open", { code: "ALREADY_EXISTS" }));
  const { run, probe } = cancelWith([DONE], open);
  expect(await run("NT-20482" as never, probe.context)).toEqual(DONE);
});

test("a turn that is superseded stops waiting", async () => {
  const { run, probe } = cancelWith([DONE]);
  probe.cancel();
  await expect(run("NT-20482" as never, probe.context)).rejects.toMatchObject({ name: "CanceledError" });
});

test("a cancellation that failed is not started again by the same turn", async () => {
  const { run, probe } = cancelWith([new WorkflowError("cancel-NT-20482", "run-1", "terminated", undefined)]);
  await expect(run("NT-20482" as never, probe.context)).rejects.toMatchObject({ type: "CancellationFailed", nonRetryable: true });
});
