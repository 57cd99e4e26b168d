// What the conversation does beyond answering: cancel, refund, hand over, write first.
import { ApplicationError } from "everturn";
import { expect, test } from "vitest";
import { refund } from "../src/refund.js";
import { TEXTS } from "../src/texts.js";
import { DELIVERED, desk, texts } from "./desk.js";

test("an order that has not left is canceled, and the answer says so", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["please cancel NT-20482"] });
  await turn.result();
  expect(texts(turn)).toEqual(["cancel_order of NT-20482: canceled. Wax?"]);
});

test("an order that leaves meanwhile is not canceled", async () => {
  const { world, conversation, calls } = desk({
    cancel_order: () => ({ outcome: "tooLate", reason: "it has left" }),
  });
  const turn = world.startTurn(conversation, { messages: ["please cancel NT-20482"] });
  await turn.result();
  expect(calls.lookups).toEqual(["NT-20482", "NT-20482"]);
  expect(texts(turn)).toEqual(["cancel_order of NT-20482: processing. Wax?"]);
});

test("a cancellation that is declined goes to a person, and the customer is told how it stands", async () => {
  const { world, conversation } = desk({ cancel_order: () => ({ outcome: "declined", reason: "the gift card has expired" }) });
  const turn = world.startTurn(conversation, {
    messages: ["please cancel NT-20482"],
    handBacks: [{ by: "Kim", after: "1h", messages: [{ from: "human", text: "Kim here, done by hand." }, { from: "customer", text: "thank you" }] }],
  });
  await turn.result();
  expect(texts(turn)).toEqual([TEXTS.notCanceled("NT-20482"), "You're welcome. Wax?"]);
});

test("a cancellation that failed is our trouble", async () => {
  const { world, conversation } = desk({
    cancel_order: () => { throw new ApplicationError("it was terminated", { type: "CancellationFailed", nonRetryable: true }); },
  });
  const turn = world.startTurn(conversation, { messages: ["please cancel NT-20482"] });
  await turn.result();
  expect(texts(turn)).toEqual([TEXTS.trouble]);
});

test("what agents write first is kept in if quiet hours have begun", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { events: [{ type: "order-delayed", payload: { order: "NT-20481" } }], suppress: "quietHours" });
  await turn.result();
  expect(texts(turn)).toEqual([]);
});

test("a large refund goes to a person, and the turn does not wait for them", async () => {
  const { world, conversation, calls } = desk();
  const turn = world.startTurn(conversation, { messages: ["please refund NT-20484"] });
  await turn.result();
  expect(texts(turn)).toEqual([TEXTS.approval("NT-20484", "£329.00")]);
  expect(calls.refunds).toEqual([{ number: "NT-20484", amount: 329, conversationId: "conversation", wish: "please refund NT-20484" }]);
});

const WISH = { number: "NT-20484", amount: 329, conversationId: "c", wish: "torn" };

test.each([
  ["approve", 329],
  [{ decision: "approve", arguments: { number: "NT-20484", amount: 100 }, after: "1d" }, 100],
  ["reject", 0],
  [undefined, 0],
] as const)("the decision %j gives back %d", async (decision, amount) => {
  const { world, calls } = desk();
  const run = world.start(refund, WISH, "refund-NT-20484", decision === undefined ? {} : { approvals: [decision] });
  expect(await run.result()).toEqual({ number: "NT-20484", amount });
  expect(calls.paid).toEqual(amount > 0 ? [{ number: "NT-20484", amount }] : []);
  expect(calls.reports).toEqual([{ conversationId: "c", decision: { number: "NT-20484", amount } }]);
});

test("an approved refund that the payment provider declines gives back nothing", async () => {
  const { world, calls } = desk({
    pay_back: () => { throw new ApplicationError("the gift card has expired", { type: "PaymentDeclined", nonRetryable: true }); },
  });
  const run = world.start(refund, WISH, "refund-NT-20484", { approvals: ["approve"] });
  expect(await run.result()).toEqual({ number: "NT-20484", amount: 0 });
  expect(calls.reports).toEqual([{ conversationId: "c", decision: { number: "NT-20484", amount: 0 } }]);
});

test("who asks for a person gets one, and agents answer what is open when they hand back", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, {
    messages: ["let me talk to a human"],
    handBacks: [{ by: "Kim", after: "3h", messages: [{ from: "human", text: "Kim here, all done?" }, { from: "customer", text: "yes, and where is NT-20481?" }] }],
  });
  await turn.result();
  expect(texts(turn)).toEqual([TEXTS.person, "order_status of NT-20481: shipped. Wax?"]);
});

test("a conversation that comes back answered ends the turn", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["a human please"], handBacks: [{ messages: [{ from: "human", text: "done" }] }] });
  await turn.result();
  expect(texts(turn)).toEqual([TEXTS.person]);
});

test("anger is answered once, and the second time by a person", async () => {
  const first = desk();
  const calm = first.world.startTurn(first.conversation, { messages: ["NT-20481 is late!!"] });
  await calm.result();
  expect(calm.state()).toMatchObject({ angry: 1 });
  expect(texts(calm)).toHaveLength(1);
  const second = desk();
  const turn = second.world.startTurn(second.conversation, { messages: ["still late!!"], state: { angry: 1 }, number: 2, handBacks: [{}] });
  await turn.result();
  expect(texts(turn)).toEqual([TEXTS.person]);
  expect(turn.state()).toMatchObject({ angry: 0 });
});

test("Support warns of a late parcel", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { events: [{ type: "order-delayed", payload: { order: "NT-20481" } }], channel: "email" });
  await turn.result();
  expect(turn.replies).toEqual([{ text: "order_status of NT-20481: shipped.", channel: "email", author: "support", data: undefined }]);
});

test("an event about an unknown order is left alone", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { events: [{ type: "order-delayed", payload: { order: "NT-1" } }] });
  await turn.result();
  expect(texts(turn)).toEqual([]);
});

test("Sales follows up a cart", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { events: [{ type: "cart-abandoned", payload: { products: ["Aurora 2"] } }] });
  await turn.result();
  expect(turn.replies).toMatchObject([{ text: "Your Aurora 2?", author: "sales" }]);
});

test.each([[329, TEXTS.refunded("NT-20484", "£329.00")], [0, TEXTS.notRefunded("NT-20484")]])("a refund of %d is told", async (amount, text) => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { events: [{ type: "refund-decided", payload: { number: DELIVERED.number, amount } }] });
  await turn.result();
  expect(texts(turn)).toEqual([text]);
});

test("newer messages supersede a turn: what it was about to say is kept in", async () => {
  const { world, conversation } = desk({
    merge_drafts: async () => { await world.sleep("10s"); return { text: "stale", channel: "chat" }; },
  });
  const turn = world.startTurn(conversation, { messages: ["Where is NT-20481?"] });
  turn.interrupt("1s");
  await expect(turn.result()).rejects.toThrow();
  expect(texts(turn)).toEqual([]);
});
