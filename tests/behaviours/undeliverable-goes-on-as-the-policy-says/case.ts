/** No such number: by mail instead, to a team, or an event. */

import assert from "node:assert/strict";
import { ApplicationError, type ChannelPolicy, defineConversation, implementDelivery } from "everturn";
import { behaviour, until } from "../harness/index.js";
import { deliveryBecomes } from "../harness/echo.js";

const events: unknown[] = [];
const desk = defineConversation({
  type: "desk",
  onTurn: (ctx, turn) => {
    ctx.reply(`You said: ${turn.text}`);
  },
  onEvent: { unreachable: (_ctx, _turn, event) => { events.push(event.payload); } },
});
const sms = implementDelivery("sms", {}, () => { throw new ApplicationError("no such number", { type: "BadNumber", nonRetryable: true }); });
const email = implementDelivery("email", {}, () => undefined);

export default behaviour({
  worker: { conversations: [desk], deliveries: [sms, email] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const write = async (id: string, onUndeliverable: ChannelPolicy["onUndeliverable"]): Promise<void> => {
      const turnPolicy = { channels: { sms: onUndeliverable === undefined ? {} : { onUndeliverable } } };
      await conversations.submitEvent(id, "hello", null, { conversationType: "desk", addresses: { email: `${id}@example.org` }, replyChannel: "sms", turnPolicy });
      await conversations.submitMessage(id, "Hi", { channel: "sms", customerAddress: "+49" });
    };
    await write("jo", "nextChannel");
    await until("it went by mail", async () => {
      const { failedAddresses } = await conversations.get("jo");
      return failedAddresses["sms"]?.detail === "BadNumber: no such number";
    });
    const ours = await until("there is a reply", async () => {
      for await (const it of conversations.listMessages("jo")) if (it.text === "You said: Hi") return it.sequence;
      return undefined;
    });
    const sent = await deliveryBecomes(client, "jo", ours, "accepted");
    assert.deepEqual([sent.channel, sent.address], ["email", "jo@example.org"]);

    await write("kim", { handOff: { team: "phones" } });
    const handed = await until("the team has it", async () => (await conversations.get("kim")).handover);
    assert.deepEqual(handed.assignee, { team: "phones" });

    await write("lee", { event: "unreachable" });
    await until("the code heard of it", () => events.length > 0);
    const [payload] = events as { messageSequence: number; channel: string; detail: string }[];
    assert.deepEqual([payload?.channel, payload?.detail], ["sms", "BadNumber: no such number"]);

    // Written from there: the address takes messages, it seems.
    await conversations.submitMessage("jo", "Hello again", { channel: "sms", customerAddress: "+49" });
    await until("the mark was cleared or set anew", async () => {
      const mark = (await conversations.get("jo")).failedAddresses["sms"];
      return mark === undefined || mark.failTime !== undefined;
    });
  },
});
