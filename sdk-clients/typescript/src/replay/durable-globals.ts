/**
 * What the process gives to the code of a run. Within a run's own stretches (`window.ts`) time and chance
 * are the run's, whoever asks, libraries included; what would not survive a restart is refused at the
 * call. Outside of them nothing is changed.
 */

import childProcess from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { NotDurableError } from "../errors.js";
import { currentExecution } from "./window.js";

let isInstalled = false;

/** Makes the globals ask whose code runs. Done once in a process, by its first worker or test environment. */
export function installDurableGlobals(): void {
  if (isInstalled) return;
  isInstalled = true;
  installTime();
  installChance();
  refuseTimers();
  refuseTheWorld();
  syncBuiltinESMExports();
}

function installTime(): void {
  const NativeDate = Date;
  const nativeNow = NativeDate.now;
  const now = (): number => currentExecution()?.timeMs ?? nativeNow();
  const RunDate = function RunDate(this: unknown, ...args: unknown[]): unknown {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- called without `new`, as `Date()`
    if (new.target === undefined) return new NativeDate(now()).toString();
    const made = args.length === 0 ? [now()] : args;
    return Reflect.construct(NativeDate, made, new.target === RunDate ? NativeDate : new.target);
  } as unknown as DateConstructor;
  Object.defineProperty(RunDate, "name", { value: "Date" });
  Object.defineProperty(RunDate, "length", { value: NativeDate.length });
  Object.defineProperty(RunDate, "prototype", { value: NativeDate.prototype });
  for (const name of ["UTC", "parse"]) define(RunDate, name, Object.getOwnPropertyDescriptor(NativeDate, name)?.value);
  // For whoever has the constructor already, too.
  define(NativeDate, "now", now);
  define(RunDate, "now", now);
  define(NativeDate.prototype, "constructor", RunDate);
  define(globalThis, "Date", RunDate);

  const { performance } = globalThis;
  const performanceNow = performance.now.bind(performance);
  define(performance, "now", () => currentExecution()?.ageMs ?? performanceNow());
  const { hrtime } = process;
  const nanos = (ageMs: number): bigint => BigInt(Math.round(ageMs * 1e6));
  const runHrtime = Object.assign(
    (time?: [number, number]): [number, number] => {
      const execution = currentExecution();
      if (execution === undefined) return hrtime(time);
      const total = nanos(execution.ageMs) - (time === undefined ? 0n : BigInt(time[0]) * 1_000_000_000n + BigInt(time[1]));
      return [Number(total / 1_000_000_000n), Number(total % 1_000_000_000n)];
    },
    {
      bigint: (): bigint => {
        const execution = currentExecution();
        return execution === undefined ? hrtime.bigint() : nanos(execution.ageMs);
      },
    },
  );
  define(process, "hrtime", runHrtime);
}

function installChance(): void {
  const nativeRandom = Math.random;
  define(Math, "random", () => currentExecution()?.random.number() ?? nativeRandom());

  const fill = (view: ArrayBufferView): void => {
    const random = currentExecution()?.random;
    if (random === undefined) return;
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = random.uint32();
  };
  const { randomUUID, randomBytes, randomFillSync, randomInt } = crypto;
  const runUuid = (options?: { disableEntropyCache?: boolean }): string => currentExecution()?.random.uuid() ?? randomUUID(options);
  define(crypto, "randomUUID", runUuid);
  define(crypto, "randomBytes", (size: number, callback?: (error: Error | null, bytes: Buffer) => void): Buffer | void => {
    if (callback !== undefined) {
      randomBytes(size, callback);
      return;
    }
    if (currentExecution() === undefined) return randomBytes(size);
    const bytes = Buffer.alloc(size);
    fill(bytes);
    return bytes;
  });
  define(crypto, "randomFillSync", (view: NodeJS.ArrayBufferView, offset = 0, size?: number): NodeJS.ArrayBufferView => {
    if (currentExecution() === undefined) return size === undefined ? randomFillSync(view, offset) : randomFillSync(view, offset, size);
    fill(new Uint8Array(view.buffer, view.byteOffset + offset, size ?? view.byteLength - offset));
    return view;
  });
  define(crypto, "randomInt", (...args: unknown[]): unknown => {
    const random = currentExecution()?.random;
    const isSync = typeof args.at(-1) !== "function";
    if (random === undefined || !isSync) return (randomInt as (...args: unknown[]) => unknown)(...args);
    const [first, second] = args as [number, number | undefined];
    const [min, max] = second === undefined ? [0, first] : [first, second];
    return min + Math.floor(random.number() * (max - min));
  });

  // The global `crypto` has its methods on its prototype.
  type WebCrypto = typeof globalThis.crypto;
  const web = Object.getPrototypeOf(globalThis.crypto) as WebCrypto;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the object that it was asked on
  const { getRandomValues, randomUUID: webUuid } = web;
  define(web, "randomUUID", function (this: WebCrypto) {
    return currentExecution()?.random.uuid() ?? webUuid.call(this);
  });
  define(web, "getRandomValues", function (this: WebCrypto, view: Parameters<WebCrypto["getRandomValues"]>[0]) {
    if (currentExecution() === undefined || !ArrayBuffer.isView(view)) return getRandomValues.call(this, view);
    fill(view);
    return view;
  });
}

function refuseTimers(): void {
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) {
    refuse(globalThis, name, name, "use ctx.sleep");
  }
}

function refuseTheWorld(): void {
  const advice = "use an activity, or ctx.run for what is short";
  refuse(globalThis, "fetch", "fetch", advice);
  // http, https, tls and most drivers of databases connect by it.
  refuse(net.Socket.prototype, "connect", "a connection", advice);
  for (const [module, what] of [[fs, "fs"], [fs.promises, "fs.promises"], [childProcess, "child_process"]] as const) {
    for (const name of Object.keys(module)) {
      if (!/^[a-z]/.test(name)) continue;
      // Getters stay as they are.
      if (typeof Object.getOwnPropertyDescriptor(module, name)?.value === "function") refuse(module, name, `${what}.${name}`, advice);
    }
  }
}

/** A function of the process that the code of a run may not call. */
function refuse(owner: object, name: string, what: string, advice: string): void {
  const native = (owner as Record<string, unknown>)[name];
  if (typeof native !== "function") return;
  const guarded = function (this: unknown, ...args: unknown[]): unknown {
    if (currentExecution() !== undefined && !isLoading()) throw new NotDurableError(what, advice);
    return Reflect.apply(native, this, args);
  };
  // What hangs on it (`fs.realpath.native`, forms for `promisify`) stays.
  Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(native));
  define(owner, name, guarded);
}

/** Whether a module is being loaded: code may do that late, and it reads files. */
function isLoading(): boolean {
  return new Error().stack?.includes("node:internal/modules/") === true;
}

function define(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable: Object.prototype.propertyIsEnumerable.call(owner, name) });
}
