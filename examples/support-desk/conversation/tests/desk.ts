/** Stand-ins for the Python agents, and the world that the tests run in. */

import { TestEnvironment, type TestHandle } from "everturn/testing";
import type { Answer, CancellationStep, Classification, Draft, Inquiry, MergeRequest, Order, Refund } from "../src/agents.js";
import { type Cancellation, cancellation } from "../src/cancellation.js";
import { readPolicy } from "../src/policy.js";
import { refund, type RefundRequest, type Report } from "../src/refund.js";
import { supportConversation } from "../src/support.js";
import { salesAgent, supportAgent } from "../src/team.js";

export const ORDER: Order = {
  number: "NT-20481", customer: "Ines Duarte", items: ["Ridge Walker"], category: "shoes", total: 149, status: "shipped", ordered: 4, arrives: 2, carrier: "Parcelway", payment: "card",
};

export const OPEN_ORDER: Order = { ...ORDER, number: "NT-20482", total: 119, status: "processing" };
export const DELIVERED: Order = { ...ORDER, number: "NT-20484", total: 329, status: "delivered" };
const ORDERS = [ORDER, OPEN_ORDER, DELIVERED];

/** What the stand-ins were asked, by name. */
export interface Calls {
  inquiries: Inquiry[];
  merges: MergeRequest[];
  lookups: string[];
  refunds: RefundRequest[];
  reports: Report[];
  paid: Refund[];
  /** Steps of cancellations, in order. */
  steps: string[];
}

type Name = "classify" | "lookup_order" | "draft_support" | "draft_sales" | "merge_drafts" | "cancel_order" | "pay_back" | Step;
type Step = "hold_parcel" | "release_parcel" | "take_back_points" | "give_back_points" | "return_payment" | "close_order";
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- functions of any input
type Agents = Partial<Record<Name, (input: any) => unknown>>;

/** The conversation with its reminders after 2 and 10 minutes, and agents of which a test may replace some. */
export function desk(agents: Agents = {}) {
  const calls: Calls = { inquiries: [], merges: [], lookups: [], refunds: [], reports: [], paid: [], steps: [] };
  const step = (name: Step) => ({ reference }: CancellationStep): void => { calls.steps.push(`${name} ${reference}`); };
  const canceled = new Set<string>();
  const world = new TestEnvironment({
    workflows: [supportAgent, salesAgent, cancellation, refund],
    activities: {
      classify: (text: string): Classification => ({
        intent: /cancel/i.test(text) ? "cancel_order" : text.includes("refund") ? "refund" : text.includes("thank") ? "thanks" : "order_status",
        product: "none",
        order: /NT-\d{5}/.exec(text)?.[0] ?? null,
        name: /I am (\w+)/.exec(text)?.[1] ?? null,
        confidence: /^(its )?NT-\d{5}$/.test(text) ? 0.5 : 0.95,
        upset: text.includes("!!"),
        human: text.includes("human"),
      }),
      lookup_order: (number: string) => {
        calls.lookups.push(number);
        const order = ORDERS.find((it) => it.number === number) ?? null;
        return order !== null && canceled.has(number) ? { ...order, status: "canceled" } : order;
      },
      draft_support: (inquiry: Inquiry): Draft => {
        calls.inquiries.push(inquiry);
        if (inquiry.intent === "thanks") return { agent: "support", text: "You're welcome.", missing: [] };
        if (inquiry.order !== null) return { agent: "support", text: `${inquiry.intent} of ${inquiry.order.number}: ${inquiry.order.status}.`, missing: [] };
        return { agent: "support", text: inquiry.number === null ? "Which order?" : `No order ${inquiry.number}.`, missing: ["order"] };
      },
      draft_sales: (inquiry: Inquiry): Draft | null =>
        inquiry.intent === "abandoned_cart" ? { agent: "sales", text: `Your ${inquiry.text}?`, missing: [] } : inquiry.order === null ? null : { agent: "sales", text: "Wax?", missing: [] },
      merge_drafts: (request: MergeRequest): Answer => {
        calls.merges.push(request);
        return { text: [request.support.text, request.sales?.text].filter(Boolean).join(" "), channel: request.channel };
      },
      cancel_order: (number: string): Cancellation => {
        canceled.add(number);
        return { outcome: "canceled", reason: "" };
      },
      hold_parcel: step("hold_parcel"),
      release_parcel: step("release_parcel"),
      take_back_points: step("take_back_points"),
      give_back_points: step("give_back_points"),
      return_payment: step("return_payment"),
      close_order: step("close_order"),
      pay_back: (refund: Refund): Order => {
        calls.paid.push(refund);
        return { ...DELIVERED, status: "refunded" };
      },
      start_refund: (request: RefundRequest) => { calls.refunds.push(request); },
      report_refund: (report: Report) => { calls.reports.push(report); },
      ...agents,
    },
  });
  return { world, calls, conversation: supportConversation({ remindAfterMs: 120_000, giveUpAfterMs: 600_000 }, readPolicy({})) };
}

/** What the customer read, in order. */
export function texts(turn: TestHandle<unknown>): string[] {
  return turn.replies.map((reply) => reply.text);
}
