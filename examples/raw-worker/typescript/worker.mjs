// An activity worker on the generated stubs alone: no SDK, no streams.
import { setTimeout as sleep } from "node:timers/promises";
import { connectStub, WorkerService } from "everturn/v1";

const activities = { shout: (text) => `${text}!`.toUpperCase(), add: ([a, b]) => a + b };
const worker = connectStub(WorkerService, process.env.EVERTURN_ADDRESS ?? "127.0.0.1:7400");

function run({ taskToken, activityType, input }) {
  try {
    const activity = activities[activityType];
    if (!activity) throw new Error(`no activity ${activityType}`);
    const value = activity(JSON.parse(Buffer.from(input?.data ?? []).toString() || "null"));
    const data = Buffer.from(JSON.stringify(value));
    return { taskToken, outcome: { case: "result", value: { data } } };
  } catch (error) { // the retry policy of the run decides what follows
    return { taskToken, outcome: { case: "failure", value: { type: error.name, message: error.message } } };
  }
}

for (;;) {
  try {
    const { tasks } = await worker.pollActivityTasks({ taskQueue: "default", identity: "raw-typescript", maxTasks: 10 });
    if (tasks.length > 0) await worker.completeActivityTasks({ results: tasks.map(run) });
  } catch { // the coordinator is away; what was not reported comes again
    await sleep(1000);
  }
}
