/** What the cases about deliveries share: a conversation that repeats what it hears, and a look at deliveries. */

import { type Client, defineConversation, type DeliveryState, type DeliveryStatus } from "everturn";
import { messages, until } from "./index.js";

/** Says everything again, by the channel that it came by. */
export const echo = defineConversation({
  type: "echo",
  onTurn: (ctx, turn) => {
    ctx.reply(`You said: ${turn.text}`);
  },
});

/** Waits until the delivery of a message stands so. */
export function deliveryBecomes(client: Client, conversationId: string, sequence: number, status: DeliveryStatus): Promise<DeliveryState> {
  return until(`the delivery of message ${String(sequence)} is ${status}`, async () => {
    const delivery = (await messages(client, conversationId))[sequence - 1]?.delivery;
    return delivery?.status === status ? delivery : undefined;
  });
}
