/** Runs the case of a folder: `node dist/harness/run.js NAME`, or one of its roles: `… NAME ROLE`. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { inspect } from "node:util";
import { Client, Worker, type WorkerOptions } from "everturn";
import type { Case, Running, World } from "./index.js";

const stdin = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function work(options: WorkerOptions): Running {
  const worker = new Worker({ drainTimeout: "2s", handleSignals: false, ...options });
  const running = worker.run();
  running.catch((error: unknown) => {
    process.stderr.write(`a worker ended: ${inspect(error)}\n`);
  });
  return {
    stop: async () => {
      worker.stop();
      await running;
    },
  };
}

/** Has something done to the coordinator by whoever started it. */
async function ask(wish: "restart" | "stall" | "go on"): Promise<void> {
  say({ ask: wish });
  const answer = await stdin.next();
  if (answer.value !== "done") throw new Error(`the coordinator did not ${wish}: ${String(answer.value)}`);
}

function spawnRole(name: string, role: string): { kill(): Promise<void> } {
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, name, role], { stdio: ["ignore", "ignore", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  return {
    kill: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function play(name: string, it: Case): Promise<void> {
  const client = new Client();
  const running = it.worker === undefined ? undefined : work(it.worker);
  const world: World = {
    client,
    storeFolder: process.env["EVERTURN_STORE_FOLDER"] ?? ".",
    work,
    stopWorker: async () => {
      await running?.stop();
    },
    spawn: (role) => spawnRole(name, role),
    restartCoordinator: () => ask("restart"),
    stallCoordinator: () => ask("stall"),
    wakeCoordinator: () => ask("go on"),
  };
  await it.scenario(world);
}

async function main(): Promise<void> {
  const [name, role] = process.argv.slice(2);
  if (name === undefined) throw new Error("which behaviour?");
  const beginMs = performance.now();
  let error: string | undefined;
  try {
    const { default: it } = (await import(`../${name}/case.js`)) as { default: Case };
    if (role !== undefined) {
      const options = it.roles?.[role];
      if (options === undefined) throw new Error(`the case has no role "${role}"`);
      await new Worker(options).run();
      return;
    }
    await play(name, it);
  } catch (caught) {
    error = caught instanceof Error ? `${caught.name}: ${caught.message}\n${where(caught)}` : inspect(caught);
  }
  say({ behaviour: name, language: "typescript", ok: error === undefined, ms: Math.round(performance.now() - beginMs), error });
  process.exit(error === undefined ? 0 : 1);
}

/** The lines of a stack that are in cases. */
function where(error: Error): string {
  const lines = (error.stack ?? "").split("\n");
  return lines.filter((line) => line.includes("case.ts")).join("\n");
}

await main();
