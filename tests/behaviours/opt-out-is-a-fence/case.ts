/** "STOP" holds what is written first, `all` holds everything, and "START" nothing. */

import assert from "node:assert/strict";
import { defineConversation, type ReplyRecord } from "everturn";
import { atRest, behaviour } from "../harness/index.js";

const records: ReplyRecord[] = [];
const shop = defineConversation({
  type: "shop",
  onTurn: async (ctx, turn) => {
    records.push(await ctx.reply(turn.cause).recorded());
  },
});

export default behaviour({
  worker: { conversations: [shop] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const last = async (): Promise<string | undefined> => {
      await atRest(client, "jo");
      const record = records.at(-1);
      return record?.suppressed ?? (record?.sequence === undefined ? undefined : "sent");
    };
    await conversations.submitMessage("jo", "STOP", { conversationType: "shop", channel: "sms", optOut: "proactive" });
    assert.equal(await last(), "sent");
    await conversations.submitEvent("jo", "sale", null);
    assert.equal(await last(), "optedOut");

    assert.deepEqual((await conversations.update("jo", { optOuts: { sms: "all" } })).optOuts, { sms: "all" });
    await conversations.submitMessage("jo", "Hi", { channel: "sms" });
    assert.equal(await last(), "optedOut");
    await conversations.submitMessage("jo", "Hi", { channel: "chat" });
    assert.equal(await last(), "sent");

    await conversations.submitMessage("jo", "START", { channel: "sms", optOut: "none" });
    assert.equal(await last(), "sent");
    assert.deepEqual((await conversations.get("jo")).optOuts, {});
  },
});
