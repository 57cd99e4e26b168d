/**
 * Runs the conversation as an Everturn worker, on the task queue "default".
 *
 *     node dist/worker.js
 *
 * Stops on SIGTERM or SIGINT: takes no new tasks, finishes what it has, and ends. What waits for a
 * customer is kept by the coordinator and needs no worker meanwhile.
 */

import { Client, Worker } from "everturn";
import { activities } from "./activities.js";
import { cancellation } from "./cancellation.js";
import { readPolicy } from "./policy.js";
import { refund } from "./refund.js";
import { supportConversation } from "./support.js";
import { salesAgent, supportAgent } from "./team.js";
import { readTiming } from "./timing.js";

const client = new Client();
try {
  const worker = new Worker({
    conversations: [supportConversation(readTiming(process.env), readPolicy(process.env))],
    workflows: [supportAgent, salesAgent, cancellation, refund],
    activities: activities(client),
  });
  await worker.run();
} catch (error) {
  process.stderr.write(`cannot run: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  client.close();
}
