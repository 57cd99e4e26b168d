/** The code of the watchdog's thread: a text, so that it needs no file of its own wherever the package is. */

export const THREAD_CODE = String.raw`
"use strict";
const { parentPort, workerData } = require("node:worker_threads");
const inspector = require("node:inspector");
const { shared } = workerData;
let { patienceMs } = workerData;
const WINDOW = 0, BEAT = 1, BROKEN = 2, LOOK_MS = 100, PAUSE_MS = 1000, END_MS = 50;
let last = [0, 0], since = Date.now(), isBusy = false;

parentPort.on("message", (ms) => { patienceMs = ms; });

setInterval(() => {
  const now = Date.now();
  const seen = [Atomics.load(shared, WINDOW), Atomics.load(shared, BEAT)];
  // A window that goes on while the loop turns is no window: only one of the two can move.
  if (seen[0] !== last[0] || seen[1] !== last[1]) {
    last = seen;
    since = now;
    return;
  }
  if (isBusy || now - since < patienceMs) return;
  isBusy = true;
  look(seen[0]).finally(() => {
    isBusy = false;
    since = Date.now();
  });
}, LOOK_MS);

async function look(window) {
  const session = new inspector.Session();
  try {
    session.connectToMainThread();
  } catch (error) {
    parentPort.postMessage({ kind: window === 0 ? "stalled" : "blocked", window, stack: "(no stack: " + error.message + ")", isBroken: false });
    return;
  }
  const urls = new Map();
  session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
  const post = (method, params) => new Promise((resolve) => session.post(method, params, (error, result) => resolve(error ? { error } : { result })));
  let stack = "(no stack: the code is in no function of JavaScript)";
  const paused = new Promise((resolve) => {
    session.on("Debugger.paused", ({ params }) => {
      stack = params.callFrames.map(({ functionName, url, location }) =>
        "    at " + (functionName || "<anonymous>") + " (" + (url || urls.get(location.scriptId) || "unknown") + ":" + (location.lineNumber + 1) + ":" + ((location.columnNumber ?? 0) + 1) + ")").join("\n");
      resolve(true);
    });
    setTimeout(() => resolve(false), PAUSE_MS);
  });
  void post("Debugger.enable");
  void post("Debugger.pause");
  await paused;
  // It may have ended in the meantime.
  const isSame = Atomics.load(shared, WINDOW) === window;
  let isBroken = false;
  if (isSame && window !== 0) {
    isBroken = true;
    Atomics.store(shared, BROKEN, window);
    void post("Runtime.terminateExecution");
  }
  void post("Debugger.resume");
  if (isSame) parentPort.postMessage({ kind: window === 0 ? "stalled" : "blocked", window, stack, isBroken });
  await new Promise((resolve) => setTimeout(resolve, END_MS));
  void post("Debugger.disable");
  await new Promise((resolve) => setTimeout(resolve, END_MS));
  session.disconnect();
}
`;
