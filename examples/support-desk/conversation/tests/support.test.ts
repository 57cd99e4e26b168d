// The conversation, against stand-ins for its agents.
import { ApplicationError } from "everturn";
import { expect, test } from "vitest";
import { TEXTS } from "../src/texts.js";
import { desk, ORDER, texts } from "./desk.js";

function refuse(): never {
  throw new ApplicationError("no credit left", { type: "LlmError", nonRetryable: true });
}

test("one answer is made of what Support and Sales say", async () => {
  const { world, conversation, calls } = desk();
  const turn = world.startTurn(conversation, { messages: ["Hi, I am Ines", "Where is NT-20481?"], channel: "email" });
  await turn.result();
  expect(turn.replies).toEqual([{ text: "order_status of NT-20481: shipped. Wax?", channel: "email", author: "manager", data: undefined }]);
  expect(calls.inquiries[0]).toMatchObject({ text: "Hi, I am Ines\nWhere is NT-20481?", channel: "email", number: "NT-20481", order: ORDER });
  expect(calls.merges[0]).toMatchObject({ name: "Ines", upset: false });
  expect(turn.state()).toEqual({ order: "NT-20481", name: "Ines", intent: "order_status" });
});

test("Support and Sales work at the same time", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["Where is NT-20481?"] });
  await turn.result();
  const children = turn.events.map(({ kind }) => kind.case).filter((name) => name === "childStarted" || name === "childClosed");
  expect(children).toEqual(["childStarted", "childStarted", "childClosed", "childClosed"]);
});

test("a missing order number is asked for, and the answer may take a while", async () => {
  const { world, conversation, calls } = desk();
  const turn = world.startTurn(conversation, { messages: ["Where is my parcel?"], answers: [{ after: "90s", text: "its NT-20481" }] });
  await turn.result();
  expect(texts(turn)).toEqual(["Which order?", "order_status of NT-20481: shipped. Wax?"]);
  expect(calls.inquiries.at(-1)?.text).toBe("Where is my parcel?\nits NT-20481");
});

test("a customer who says nothing is reminded once", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["Where is my parcel?"], answers: [{ after: "5m", text: "its NT-20481" }] });
  await turn.result();
  expect(texts(turn)).toEqual(["Which order?", TEXTS.reminder, "order_status of NT-20481: shipped. Wax?"]);
});

test("a customer who never answers is let go, after both waits", async () => {
  const { world, conversation } = desk();
  const begin = world.now();
  const turn = world.startTurn(conversation, { messages: ["please cancel my order"] });
  await turn.result();
  expect(texts(turn)).toEqual(["Which order?", TEXTS.reminder, TEXTS.goodbye]);
  expect(world.now() - begin).toBe(720_000);
  expect(turn.state()).toEqual({ intent: "cancel_order" });
});

test("who comes back with the number later gets what they wanted then", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["NT-20481"], state: { intent: "cancel_order" }, number: 2 });
  await turn.result();
  expect(texts(turn)).toEqual(["cancel_order of NT-20481: shipped. Wax?"]);
});

test("an unknown number is asked for again and not kept", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["Where is NT-99999?"], answers: ["its NT-20481"] });
  await turn.result();
  expect(texts(turn)).toEqual(["No order NT-99999.", "order_status of NT-20481: shipped. Wax?"]);
  expect(turn.state()).toMatchObject({ order: "NT-20481" });
});

test("nobody is asked for ever", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["Where is my parcel?"], answers: ["NT-00001", "NT-00002", "NT-00003"] });
  await turn.result();
  expect(texts(turn)).toEqual(["Which order?", "No order NT-00001.", "No order NT-00002.", TEXTS.unknown]);
});

test("a customer may change the subject instead of answering", async () => {
  const { world, conversation } = desk();
  const turn = world.startTurn(conversation, { messages: ["Where is my parcel?"], answers: ["found it, thank you"] });
  await turn.result();
  expect(texts(turn)).toEqual(["Which order?", "You're welcome."]);
});

test("the next turn knows the order and the name", async () => {
  const { world, conversation, calls } = desk();
  const turn = world.startTurn(conversation, { messages: ["please cancel it"], state: { order: "NT-20481", name: "Ines" }, number: 2 });
  await turn.result();
  expect(texts(turn)).toEqual(["cancel_order of NT-20481: shipped. Wax?"]);
  expect(calls.merges[0]?.name).toBe("Ines");
});

test("anger in one message counts for the whole turn", async () => {
  const { world, conversation, calls } = desk();
  const turn = world.startTurn(conversation, { messages: ["Where is my parcel!!"], answers: ["its NT-20481"] });
  await turn.result();
  expect(calls.merges.map(({ upset }) => upset)).toEqual([true, true]);
});

test("without Sales there is still an answer", async () => {
  const { world, conversation } = desk({ draft_sales: refuse });
  const turn = world.startTurn(conversation, { messages: ["Where is NT-20481?"] });
  await turn.result();
  expect(texts(turn)).toEqual(["order_status of NT-20481: shipped."]);
});

test("without Support the customer hears that something is wrong", async () => {
  const { world, conversation } = desk({ draft_support: refuse });
  const turn = world.startTurn(conversation, { messages: ["Where is NT-20481?"] });
  await turn.result();
  expect(texts(turn)).toEqual([TEXTS.trouble]);
});

test("the Manager chooses the channel, for questions too", async () => {
  const { world, conversation } = desk({ merge_drafts: () => ({ text: "long", channel: "email" }) });
  const turn = world.startTurn(conversation, { messages: ["Where is my parcel?"], channel: "sms", answers: ["its NT-20481"] });
  await turn.result();
  expect(turn.replies.map(({ channel }) => channel)).toEqual(["email", "email"]);
});

test("what the conversation says by itself fits into a text message", () => {
  for (const text of Object.values(TEXTS)) {
    const said = typeof text === "string" ? text : text("NT-20481", "£1234.00");
    expect(said.length).toBeLessThanOrEqual(160);
  }
});
