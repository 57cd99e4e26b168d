/** Auto-replies get no turn, and whoever answers everything at once is handed over. */

import assert from "node:assert/strict";
import { atRest, behaviour, messages, transcript, until } from "../harness/index.js";
import { echo } from "../harness/echo.js";

export default behaviour({
  worker: { conversations: [echo] },
  scenario: async ({ client }) => {
    const { conversations } = client;
    const turnPolicy = { ownAddresses: ["shop@example.org"], turnCap: { turns: 3, window: "1h", then: { handOff: { team: "loops" } } } } as const;
    await conversations.submitMessage("jo", "I am on holiday", { conversationType: "echo", channel: "email", isAutomatic: true, turnPolicy });
    await conversations.submitMessage("jo", "Our own words", { channel: "email", customerAddress: "Shop@Example.org" });
    await atRest(client, "jo");
    assert.deepEqual(await transcript(client, "jo"), ["customer: I am on holiday", "customer: Our own words"]);
    assert.deepEqual((await messages(client, "jo")).map((it) => it.isAutomatic), [true, true]);
    assert.equal((await conversations.get("jo")).unansweredSinceTime, undefined);

    for (let count = 1; count <= 4; count += 1) {
      await conversations.submitMessage("jo", `noted ${String(count)}`, { channel: "email" });
      if (count < 4) await until("it is answered", async () => (await transcript(client, "jo")).at(-1) === `agent: You said: noted ${String(count)}`);
    }
    const { assignee } = await until("a team has it", async () => (await conversations.get("jo")).handover);
    assert.deepEqual(assignee, { team: "loops" });

    await conversations.submitMessage("kim", "one", { conversationType: "echo", turnPolicy: { turnCap: { turns: 1, window: "1h" } } });
    await until("it is answered", async () => (await transcript(client, "kim")).length === 2);
    await conversations.submitMessage("kim", "two");
    const wait = await until("it waits", async () => (await conversations.get("kim")).wait);
    assert.equal(wait.reason, "turnCap");
    // The cap can be lifted: then it goes on.
    await conversations.update("kim", { turnPolicy: { turnCap: { turns: 0 } } });
    await until("it goes on", async () => (await transcript(client, "kim")).at(-1) === "agent: You said: two");
  },
});
