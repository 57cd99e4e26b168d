/**
 * What the Python agents do, declared with their types.
 *
 * The twin of `agents/src/support_agents/types.py`: field names are the JSON on the wire.
 */

import { defineActivity } from "everturn";

/** What a customer wants, as far as the text says. */
export interface Classification {
  /** Such as "order_status"; the labels in data/messages.csv. */
  intent: string;
  /** Product category, such as "tents"; "none" if no product is meant. */
  product: string;
  /** Order number such as "NT-20481", if the text has one. */
  order: string | null;
  /** Name by which the customer introduces themselves, if they do. */
  name: string | null;
  /** Probability of the intent, 0 to 1. */
  confidence: number;
  /** The customer is angry: no time to sell anything. */
  upset: boolean;
  /** They ask for a person. */
  human: boolean;
}

/** An order, as customers may see it. */
export interface Order {
  number: string;
  customer: string;
  items: string[];
  category: string;
  /** In pounds. */
  total: number;
  status: string;
  /** Days since it was placed. */
  ordered: number;
  /** Days until it arrives; null if it is not on its way. */
  arrives: number | null;
  carrier: string | null;
  /** How it was paid. */
  payment: "card" | "gift card";
}

/** What Support and Sales are asked to answer. */
export interface Inquiry {
  /** The customer's messages of this turn, one per line. */
  text: string;
  /** Channel they came in by. */
  channel: string;
  intent: string;
  product: string;
  confidence: number;
  upset: boolean;
  /** Order number the customer gave, now or earlier in the conversation. */
  number: string | null;
  /** The order behind it; null if it was not looked up or does not exist. */
  order: Order | null;
}

/** An agent's part of the answer. */
export interface Draft {
  agent: string;
  /** What it says; if something is missing, the question to the customer. */
  text: string;
  /** What the agent needs to answer: ["order"] or empty. */
  missing: string[];
}

/** Money that goes back to a customer. */
export interface Refund {
  /** Order that it was paid for. */
  number: string;
  /** In pounds. */
  amount: number;
}

/** A step of a cancellation, or the compensation of one. */
export interface CancellationStep {
  /** Id of the cancellation: what is done under it is done once, and undone under it. */
  reference: string;
  /** The order. */
  number: string;
}

/** The drafts that the Manager makes one answer of. */
export interface MergeRequest {
  /** The draft that leads: Support's, or that of the agent that writes first. */
  support: Draft;
  sales: Draft | null;
  channel: string;
  name: string | null;
  upset: boolean;
}

/** What the customer gets. */
export interface Answer {
  text: string;
  /** Channel to send it by. */
  channel: string;
}

const options = {
  taskQueue: "agents",
  startToCloseTimeout: "60s",
  retry: { initialInterval: "200ms", maximumInterval: "10s" },
} as const;

export const classify = defineActivity<string, Classification>("classify", options);
export const lookupOrder = defineActivity<string, Order | null>("lookup_order", options);
export const draftSupport = defineActivity<Inquiry, Draft>("draft_support", options);
export const draftSales = defineActivity<Inquiry, Draft | null>("draft_sales", options);
export const mergeDrafts = defineActivity<MergeRequest, Answer>("merge_drafts", options);

// Steps of a cancellation. What stands beside another one undoes it.
export const holdParcel = defineActivity<CancellationStep>("hold_parcel", options);
export const releaseParcel = defineActivity<CancellationStep>("release_parcel", options);
export const takeBackPoints = defineActivity<CancellationStep>("take_back_points", options);
export const giveBackPoints = defineActivity<CancellationStep>("give_back_points", options);
export const returnPayment = defineActivity<CancellationStep>("return_payment", options);
export const closeOrder = defineActivity<CancellationStep, Order>("close_order", options);

export const payBack = defineActivity<Refund, Order>("pay_back", options);
