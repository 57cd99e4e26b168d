/** Calls about approvals. */

import { createHash } from "node:crypto";
import type { ConversationService } from "../gen/everturn/v1/conversation_service_pb.js";
import type { Stub } from "../grpc/stub.js";
import { jsonConverter, type PayloadConverter } from "../payload.js";
import { type Approval, type ApprovalStatus, type Decision, fromPbApproval, toPbApprovalStatus, toPbDecision } from "./approval-models.js";
import type { CallSettings } from "./settings.js";
import { pages } from "./pages.js";
import { withRetry } from "./retry.js";

/**
 * Computes what a decision is bound to: the SHA-256 of arguments as a converter writes them. Prefer
 * the `argumentsHash` of the approval that the person has seen: other languages write JSON otherwise.
 */
export function hashArguments(value: unknown, converter: PayloadConverter = jsonConverter): Uint8Array {
  return new Uint8Array(createHash("sha256").update(converter.encode(value).data).digest());
}

/** What people are asked to approve. */
export class ApprovalClient {
  constructor(
    private readonly stub: Stub<typeof ConversationService>,
    private readonly settings: CallSettings,
  ) {}

  /** Lists approvals, last requested first. May lag behind by about a second. */
  list(options: { readonly rootId?: string; readonly status?: ApprovalStatus; readonly pageSize?: number } = {}): AsyncIterableIterator<Approval> {
    const { namespace, converter } = this.settings;
    return pages(async (pageToken) => {
      const request = {
        namespace,
        pageToken,
        pageSize: options.pageSize ?? 0,
        rootId: options.rootId ?? "",
        status: toPbApprovalStatus(options.status),
      };
      const page = await this.#call((call) => this.stub.listApprovals(request, call));
      return { items: page.approvals.map((it) => fromPbApproval(it, converter)), next: page.nextPageToken };
    });
  }

  /**
   * Decides an approval, once. The decision holds for the arguments that the person has seen: hand in
   * the approval that was shown to them. `APPROVAL_CHANGED` if it asks for something else,
   * `APPROVAL_DECIDED` or `APPROVAL_EXPIRED` if it is over.
   */
  async decide(approval: Pick<Approval, "approvalId" | "argumentsHash">, decision: Decision): Promise<void> {
    const { namespace, converter } = this.settings;
    const request = {
      namespace,
      approvalId: approval.approvalId,
      argumentsHash: approval.argumentsHash,
      decision: toPbDecision(decision.decision),
      decider: decision.decider,
      comment: decision.comment ?? "",
      requestId: decision.requestId ?? crypto.randomUUID(),
      ...(decision.decision === "approveWithChanges" ? { changedArguments: converter.encode(decision.arguments) } : {}),
    };
    await this.#call((call) => this.stub.decideApproval(request, call));
  }

  #call<T>(call: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    const { retry, timeoutMs } = this.settings;
    return withRetry(retry, () => call({ timeoutMs }));
  }
}
