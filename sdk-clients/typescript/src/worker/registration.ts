/** Tells the coordinator what conversations begin with, when a worker starts. */

import { setTimeout as sleep } from "node:timers/promises";
import { rpcErrorOf } from "../client/rpc-error.js";
import { toPbDuration } from "../duration.js";
import type { SetConversationTypeRequest } from "../gen/everturn/v1/conversation_service_pb.js";
import type { Logger } from "../logger.js";
import { toPbTurnPolicy } from "../policy.js";
import type { Program } from "../replay/program.js";
import type { WorkTransport } from "./transport.js";

const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 10_000;
const FATAL: readonly string[] = ["INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED"];

/** What is to be registered: the types that say something about their policy. */
export function typesOf(programs: Iterable<Program>, namespace: string): Pick<SetConversationTypeRequest, "namespace" | "settings">[] {
  const requests: Pick<SetConversationTypeRequest, "namespace" | "settings">[] = [];
  for (const program of programs) {
    if (program.kind !== "conversation") continue;
    const { type: conversationType, turnPolicy, retention } = program;
    if (turnPolicy === undefined && retention === undefined) continue;
    requests.push({
      namespace,
      settings: {
        $typeName: "everturn.v1.ConversationType",
        conversationType,
        ...(turnPolicy === undefined ? {} : { turnPolicy: toPbTurnPolicy(turnPolicy) }),
        ...(retention === undefined ? {} : { retention: toPbDuration(retention) }),
      },
    });
  }
  return requests;
}

/**
 * Registers types, again and again until the coordinator has taken them or the signal is aborted.
 *
 * @throws RpcError if the coordinator refuses them.
 */
export async function registerTypes(
  requests: ReturnType<typeof typesOf>,
  transport: WorkTransport,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = RETRY_MS_FIRST;
  for (const request of requests) {
    while (!signal.aborted) {
      try {
        await transport.registerType(request);
        break;
      } catch (thrown) {
        const error = rpcErrorOf(thrown);
        if (FATAL.includes(error.code)) throw error;
        if (error.code === "UNIMPLEMENTED") {
          logger.warn("conversation types are not registered: the coordinator is older");
          return;
        }
        logger.warn("conversation type not registered yet", { reason: error.message, retryMs: waitMs });
        await sleep(waitMs, undefined, { signal }).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      }
    }
  }
}
