/** Following a conversation: its updates as plain values, over broken connections. */

import { setTimeout as sleep } from "node:timers/promises";
import { TextDecoder } from "node:util";
import { type DeliveryState, fromPbDeliveryState } from "../delivery-state.js";
import { RpcError } from "../errors.js";
import type {
  ConversationService,
  OutputCursor as PbOutputCursor,
  WatchConversationResponse,
} from "../gen/everturn/v1/conversation_service_pb.js";
import type { Stub } from "../grpc/stub.js";
import { fromPbMessage, type Message } from "../message.js";
import type { PayloadConverter } from "../payload.js";
import { fromPbTyping, type Typing } from "../typing.js";
import type { CallSettings } from "./settings.js";
import { fromPbHandover, fromPbPause, fromPbTurnStatus, type Handover, type Pause, type TurnStatus } from "./conversation-models.js";
import { Backoff } from "./retry.js";
import { rpcErrorOf } from "./rpc-error.js";

/** A position in the partial output of an activity. */
export interface OutputCursor {
  /** Workflow id of the run that scheduled the activity (`"customer-7/turn-3/support"`). */
  readonly workflowId: string;
  /** Key of the activity in its run. */
  readonly key: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Position of the last piece that the caller has; 0 for none. */
  readonly sequence: number;
}

/** What happened to a conversation that is watched. */
export type ConversationUpdate =
  | { readonly type: "message"; readonly message: Message }
  /** Everything up to the present was handed out; what follows is new. */
  | { readonly type: "caught up" }
  /** The current turn changed; without a status it ended. */
  | { readonly type: "turn"; readonly number: number; readonly status: TurnStatus | undefined }
  /** A piece of partial output: as bytes, and as text with characters that pieces share put together. */
  | { readonly type: "outputDelta"; readonly cursor: OutputCursor; readonly data: Uint8Array; readonly text: string }
  /** Partial output begins anew: what was handed out of it before does not count any more. */
  | { readonly type: "outputReset"; readonly cursor: OutputCursor }
  /** Partial output has ended. What counts is the message, once a turn has sent it. */
  | { readonly type: "outputEnded"; readonly cursor: OutputCursor }
  /** The delivery of a message changed. */
  | { readonly type: "delivery"; readonly messageSequence: number; readonly delivery: DeliveryState | undefined }
  /** It was paused, resumed, handed off or handed back, or its budget was reached or raised: how it stands now. */
  | { readonly type: "changed"; readonly pause: Pause | undefined; readonly handover: Handover | undefined; readonly isBudgetReached: boolean }
  /** Somebody is typing, or has stopped. */
  | ({ readonly type: "typing" } & Typing)
  /** Changes were left out because the watcher read too slowly; messages never are. */
  | { readonly type: "lagged"; readonly skippedCount: number }
  /** The last update. */
  | { readonly type: "closed"; readonly reason: string };

/** How to watch. */
export interface WatchOptions {
  /** Position of the last message that the caller has. Default 0: the whole transcript comes first. */
  readonly afterSequence?: number;
  /** False: partial outputs are left out. Default true. */
  readonly outputs?: boolean;
  /** True: notes, too, which the customer must not see. Default false. */
  readonly includeNotes?: boolean;
  /** Where the caller stands in outputs that it was following, from an earlier watch. At most 1,000. */
  readonly outputCursors?: readonly OutputCursor[];
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/** Most outputs that a watch can ask for again. */
const CURSORS_MAX = 1_000;

interface Followed {
  cursor: OutputCursor;
  decoder: TextDecoder;
}

/** Where a watch stands, to go on from there on another stream. */
export class WatchPosition {
  #afterSequence: number;
  readonly #outputs = new Map<string, Followed>();

  constructor(
    options: WatchOptions,
    private readonly converter: PayloadConverter,
  ) {
    this.#afterSequence = options.afterSequence ?? 0;
    for (const cursor of options.outputCursors ?? []) this.#follow(cursor);
  }

  /** What a request says about it. */
  get request(): { afterSequence: bigint; outputCursors: Omit<PbOutputCursor, "$typeName" | "$unknown">[] } {
    const cursors = [...this.#outputs.values()].map(({ cursor }) => ({ ...cursor, sequence: BigInt(cursor.sequence) }));
    return { afterSequence: BigInt(this.#afterSequence), outputCursors: cursors };
  }

  /**
   * A coordinator that was restarted may have less of an output than this watch: then all of them are
   * taken from their beginnings. Says so; empty if none was followed.
   */
  restartOutputs(): ConversationUpdate[] {
    const followed = [...this.#outputs.values()];
    this.#outputs.clear();
    return followed.map(({ cursor }) => ({ type: "outputReset", cursor: { ...cursor, sequence: 0 } }));
  }

  /** Reads an update; `undefined` if it says nothing new or is of a kind that this version does not know. */
  read({ update }: WatchConversationResponse): ConversationUpdate | undefined {
    switch (update.case) {
      case "message": {
        const message = fromPbMessage(update.value, this.converter);
        if (message.sequence <= this.#afterSequence) return undefined;
        this.#afterSequence = message.sequence;
        return { type: "message", message };
      }
      case "caughtUp":
        return { type: "caught up" };
      case "turnChanged":
        return { type: "turn", number: Number(update.value.number), status: fromPbTurnStatus(update.value.status) };
      case "outputDelta": {
        const { data } = update.value;
        const cursor = cursorOf(update.value.cursor);
        const known = this.#outputs.get(nameOf(cursor));
        // A worker sends its pieces again to a coordinator that was restarted.
        if (known !== undefined && isPast(cursor, known.cursor)) return undefined;
        const followed = known?.cursor.attempt === cursor.attempt ? known : this.#follow(cursor);
        followed.cursor = cursor;
        return { type: "outputDelta", cursor, data, text: followed.decoder.decode(data, { stream: true }) };
      }
      case "outputReset": {
        const cursor = cursorOf(update.value.cursor);
        this.#follow(cursor);
        return { type: "outputReset", cursor };
      }
      case "outputEnded": {
        const cursor = cursorOf(update.value.cursor);
        this.#outputs.delete(nameOf(cursor));
        return { type: "outputEnded", cursor };
      }
      case "delivery":
        return { type: "delivery", messageSequence: Number(update.value.messageSequence), delivery: fromPbDeliveryState(update.value.delivery) };
      case "changed": {
        const { pause, handover, budgetReached } = update.value;
        return { type: "changed", pause: fromPbPause(pause), handover: fromPbHandover(handover, this.converter), isBudgetReached: budgetReached };
      }
      case "typing":
        return { type: "typing", ...fromPbTyping(update.value) };
      case "lagged":
        return { type: "lagged", skippedCount: Number(update.value.skippedCount) };
      case "closed":
        return { type: "closed", reason: update.value.reason };
      default:
        return undefined;
    }
  }

  #follow(cursor: OutputCursor): Followed {
    const name = nameOf(cursor);
    const followed = { cursor, decoder: new TextDecoder() };
    // The one that was begun last is the last to be forgotten.
    this.#outputs.delete(name);
    this.#outputs.set(name, followed);
    if (this.#outputs.size > CURSORS_MAX) {
      const [oldest] = this.#outputs.keys();
      if (oldest !== undefined) this.#outputs.delete(oldest);
    }
    return followed;
  }
}

/** Follows a conversation, over as many streams as it takes; ends after `closed`. */
export async function* watchConversation(
  stub: Stub<typeof ConversationService>,
  settings: CallSettings,
  conversationId: string,
  options: WatchOptions,
): AsyncGenerator<ConversationUpdate, void, undefined> {
  const { namespace, converter, retry } = settings;
  const { signal } = options;
  const backoff = new Backoff(retry);
  const position = new WatchPosition(options, converter);
  while (!isAborted(signal)) {
    const request = { namespace, conversationId, ...position.request, withoutOutputs: options.outputs === false, includeNotes: options.includeNotes ?? false };
    const call = stub.watchConversation(request, signal === undefined ? {} : { signal });
    let error = new RpcError("the server ended the watch", { code: "UNAVAILABLE" });
    try {
      for await (const response of call as AsyncIterable<WatchConversationResponse>) {
        backoff.reset();
        const update = position.read(response);
        if (update === undefined) continue;
        yield update;
        if (update.type === "closed") return;
      }
    } catch (thrown) {
      if (isAborted(signal)) return;
      error = rpcErrorOf(thrown);
    } finally {
      call.cancel();
    }
    if (error.reason === "CURSOR_INVALID") {
      const resets = position.restartOutputs();
      yield* resets;
      if (resets.length > 0) continue;
    }
    const waitMs = backoff.delayMs(error);
    if (waitMs === undefined) throw error;
    await sleep(waitMs, undefined, { ...(signal === undefined ? {} : { signal }) }).catch(() => undefined);
  }
}

function cursorOf(cursor: PbOutputCursor | undefined): OutputCursor {
  return {
    workflowId: cursor?.workflowId ?? "",
    key: cursor?.key ?? "",
    attempt: cursor?.attempt ?? 0,
    sequence: Number(cursor?.sequence ?? 0n),
  };
}

/** Whether a position was reached before, or is in an attempt that is over. */
function isPast(cursor: OutputCursor, reached: OutputCursor): boolean {
  return cursor.attempt < reached.attempt || (cursor.attempt === reached.attempt && cursor.sequence <= reached.sequence);
}

function nameOf({ workflowId, key }: OutputCursor): string {
  return `${workflowId}\n${key}`;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
