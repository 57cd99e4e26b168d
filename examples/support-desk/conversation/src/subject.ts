/** What a customer is after: the newest words, seen with what was said before. */

import type { Classification } from "./agents.js";

/** Probability from which on new words change the subject. */
const CONFIDENT = 0.8;
/** Subjects that cannot be answered without an order; as in `drafting.py`. */
const NEEDS_ORDER = new Set(["order_status", "cancel_order", "refund", "change_address"]);

/** A subject that is open: what the customer wants, in as many messages as they took to say it. */
export interface Subject {
  readonly text: string;
  readonly intent: string;
  readonly product: string;
  readonly confidence: number;
  readonly upset: boolean;
}

/** The subject of a turn's messages; `lastIntent` is that of the turn before. */
export function openSubject(text: string, found: Classification, lastIntent: string | undefined): Subject {
  const { product, upset } = found;
  // Somebody who comes back with the number that was missing wants what they wanted then.
  const isLateAnswer = found.order !== null && found.confidence < CONFIDENT && lastIntent !== undefined && NEEDS_ORDER.has(lastIntent);
  return { text, product, upset, intent: isLateAnswer ? lastIntent : found.intent, confidence: isLateAnswer ? 1 : found.confidence };
}

/** The subject after an answer to a question: the same, unless the customer clearly changes it. */
export function goOn(subject: Subject, text: string, found: Classification): Subject {
  const isNew = found.confidence >= CONFIDENT && found.intent !== subject.intent;
  return {
    text: `${subject.text}\n${text}`,
    intent: isNew ? found.intent : subject.intent,
    product: found.product === "none" ? subject.product : found.product,
    confidence: isNew ? found.confidence : Math.max(found.confidence, subject.confidence),
    upset: found.upset || subject.upset,
  };
}
