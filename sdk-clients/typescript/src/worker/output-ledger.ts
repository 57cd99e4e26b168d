/**
 * Partial outputs of attempts on their way to those who watch. Pure. Nobody acknowledges them, so what
 * was sent last is kept for a while: after a reconnect it goes out again, and the server drops what it
 * has. Bounded: what does not fit while the stream is away is left out, the oldest first, and leaves a
 * gap in the numbers, by which watchers learn that their output begins anew.
 */

import type { ActivityOutput } from "../gen/everturn/v1/worker_service_pb.js";
import type { Budget } from "./batch.js";

/** Most bytes of one piece. */
export const PIECE_BYTES_MAX = 64 * 1024;
/** Most bytes that wait, by attempt: what the server keeps of one. */
export const WAITING_BYTES_MAX = 1024 * 1024;
/** Most bytes that wait, of all attempts together. */
export const WAITING_BYTES_TOTAL_MAX = 64 * 1024 * 1024;
const SENT_BYTES_MAX = 64 * 1024;
/** From so many waiting chunks on they are put together to pieces. */
const CHUNKS_MERGED_FROM = 100;

interface Output {
  readonly token: Uint8Array;
  waiting: Uint8Array[];
  waitingBytes: number;
  /** Pieces that were sent last; on a new stream they are sent again. */
  sent: ActivityOutput[];
  sentBytes: number;
  /** Number of pieces at the end of `sent` that this stream has not had. */
  again: number;
  lastSequence: number;
  /** Its attempt ended: nothing follows. */
  isOver: boolean;
}

const encoder = new TextEncoder();

/** Cuts a chunk into pieces that fit, at characters. */
export function piecesOf(chunk: string | Uint8Array): Uint8Array[] {
  // Bytes are copied: their owner may write something else into them.
  const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk.slice();
  if (bytes.length <= PIECE_BYTES_MAX) return bytes.length === 0 ? [] : [bytes];
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + PIECE_BYTES_MAX, bytes.length);
    // A character has at most three bytes after its first; what is no text is cut anywhere.
    for (let back = 0; back < 3 && end < bytes.length && isContinuation(bytes[end]); back += 1) end -= 1;
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

/** The outputs of one worker's attempts. */
export class OutputLedger {
  readonly #outputs = new Map<string, Output>();
  /** Attempts with something to send. */
  readonly #due = new Set<string>();
  #waitingBytes = 0;

  /** True when there is something to send. */
  get hasOutput(): boolean {
    return this.#due.size > 0;
  }

  /** Whether something of an attempt waits: its result must come after it. */
  isDue(key: string): boolean {
    return this.#due.has(key);
  }

  /** Queues pieces of an attempt; false if older ones had to be left out. */
  add(key: string, token: Uint8Array, pieces: readonly Uint8Array[]): boolean {
    let output = this.#outputs.get(key);
    if (output === undefined) {
      output = { token, waiting: [], waitingBytes: 0, sent: [], sentBytes: 0, again: 0, lastSequence: 0, isOver: false };
      this.#outputs.set(key, output);
    }
    for (const piece of pieces) {
      output.waiting.push(piece);
      output.waitingBytes += piece.length;
      this.#waitingBytes += piece.length;
    }
    if (output.waiting.length > 0) this.#due.add(key);
    return this.#trim(output);
  }

  /** Pieces that go out now, in the order of each attempt. */
  take(budget: Budget): ActivityOutput[] {
    const taken: ActivityOutput[] = [];
    for (const key of this.#due) {
      const output = this.#outputs.get(key);
      if (output !== undefined && !this.#takeOf(output, budget, taken)) break;
      this.#due.delete(key);
      if (output?.isOver === true) this.#outputs.delete(key);
    }
    return taken;
  }

  /** A new stream begins: what was sent last is sent again, what belongs to attempts that ended is not. */
  rewind(): void {
    for (const [key, output] of this.#outputs) {
      if (output.isOver) {
        this.drop(key);
      } else {
        output.again = output.sent.length;
        if (output.again > 0) this.#due.add(key);
      }
    }
  }

  /** An attempt ended; what waits still goes out if the stream is there. */
  finish(key: string, isOpen: boolean): void {
    const output = this.#outputs.get(key);
    if (output === undefined) return;
    output.isOver = true;
    if (!isOpen || !this.#due.has(key)) this.drop(key);
  }

  /** An attempt is over for the server: nothing of it is wanted. */
  drop(key: string): void {
    const output = this.#outputs.get(key);
    if (output === undefined) return;
    this.#waitingBytes -= output.waitingBytes;
    this.#outputs.delete(key);
    this.#due.delete(key);
  }

  #takeOf(output: Output, budget: Budget, taken: ActivityOutput[]): boolean {
    for (; output.again > 0; output.again -= 1) {
      const piece = output.sent[output.sent.length - output.again];
      if (piece === undefined) continue;
      if (!budget.take(piece.data.length + output.token.length + 32)) return false;
      taken.push(piece);
    }
    if (output.waiting.length >= CHUNKS_MERGED_FROM) output.waiting = merged(output.waiting);
    let count = 0;
    for (const data of output.waiting) {
      if (!budget.take(data.length + output.token.length + 32)) break;
      count += 1;
      output.lastSequence += 1;
      const sequence = BigInt(output.lastSequence);
      const piece: ActivityOutput = { $typeName: "everturn.v1.ActivityOutput", taskToken: output.token, sequence, data };
      taken.push(piece);
      this.#keep(output, piece);
      output.waitingBytes -= data.length;
      this.#waitingBytes -= data.length;
    }
    output.waiting.splice(0, count);
    return output.waiting.length === 0;
  }

  #keep(output: Output, piece: ActivityOutput): void {
    output.sent.push(piece);
    output.sentBytes += piece.data.length + 32;
    while (output.sentBytes > SENT_BYTES_MAX && output.sent.length > 1) {
      output.sentBytes -= (output.sent.shift()?.data.length ?? 0) + 32;
    }
  }

  #trim(output: Output): boolean {
    let count = 0;
    while (output.waitingBytes > WAITING_BYTES_MAX || (this.#waitingBytes > WAITING_BYTES_TOTAL_MAX && count < output.waiting.length)) {
      const bytes = output.waiting[count]?.length ?? 0;
      output.waitingBytes -= bytes;
      this.#waitingBytes -= bytes;
      count += 1;
    }
    output.waiting.splice(0, count);
    output.lastSequence += count;
    return count === 0;
  }
}

/** Puts chunks together to as few pieces as they fit into. */
function merged(chunks: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    if (bytes + chunk.length > PIECE_BYTES_MAX) {
      pieces.push(Buffer.concat(group));
      group = [];
      bytes = 0;
    }
    group.push(chunk);
    bytes += chunk.length;
  }
  if (group.length > 0) pieces.push(Buffer.concat(group));
  return pieces;
}

function isContinuation(byte: number | undefined): boolean {
  return ((byte ?? 0) & 0xc0) === 0x80;
}
