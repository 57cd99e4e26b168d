/** What the conversation says by itself: short enough for a text message. The rest is the agents' wording. */

export const TEXTS = {
  reminder: "Are you still there? To go on I need the order number; it looks like NT-12345.",
  goodbye: "I close this for now. Write whenever you have the number, and we go on from there.",
  unknown: "I still do not know which order it is. Write again once you have found its number.",
  trouble: "Sorry, we cannot answer at the moment. Please write again a little later.",
  person: "A colleague takes over from here and reads what you wrote. You hear from them soon.",
  notCanceled: (number: string): string =>
    `Sorry, ${number} could not be canceled: the payment cannot be returned. Nothing has changed; a colleague takes over from here.`,
  approval: (number: string, amount: string): string =>
    `A colleague has to approve the refund of ${amount} for ${number}. You hear from us as soon as it is decided.`,
  refunded: (number: string, amount: string): string => `The refund for ${number} is approved: ${amount} goes back to the card you paid with.`,
  notRefunded: (number: string): string => `Sorry, the refund for ${number} is not possible. Write "talk to a person" and a colleague explains why.`,
} as const;

/** An amount, as customers read it. */
export function pounds(amount: number): string {
  return `£${amount.toFixed(2)}`;
}
