/** People write only while the conversation is theirs. */

import assert from "node:assert/strict";
import { behaviour, messages, refused } from "../harness/index.js";

export default behaviour({
  scenario: async ({ client }) => {
    const { conversations } = client;
    const turnPolicy = { onHumanMessage: "REFUSE" } as const;
    await conversations.submitMessage("jo", "Hi", { conversationType: "nobody-answers", turnPolicy });
    const write = (authorName: string, requestId?: string): Promise<{ sequence: number }> =>
      conversations.sendHumanMessage("jo", `${authorName} here`, { authorName, ...(requestId === undefined ? {} : { requestId }) });

    await refused(write("Ann"), "NOT_HANDED_OFF");
    await refused(conversations.handBack("jo"), "NOT_HANDED_OFF");
    await conversations.handOff("jo", { person: "Ann" });
    await refused(write("Bob"), "WRONG_ASSIGNEE");
    const first = await write("Ann", "r-1");
    assert.deepEqual(await write("Ann", "r-1"), first);
    await conversations.handOff("jo", { team: "billing" });
    await write("Bob");

    const human = (await messages(client, "jo")).filter((it) => it.authorKind === "human");
    assert.deepEqual(human.map((it) => it.text), ["Ann here", "Bob here"]);
    await conversations.close("jo");
    await refused(conversations.handOff("jo", { person: "Ann" }), "CONVERSATION_CLOSED");
  },
});
