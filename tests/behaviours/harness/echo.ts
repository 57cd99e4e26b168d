/** What the cases about deliveries share: a conversation that repeats what it hears, and a look at deliveries. */

import { Client, defineConversation, type DeliveryState, type DeliveryStatus } from "everturn";
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

/** For an adapter in a process that is going to be killed: says that it has the message, and never answers. */
export async function keepMessage(): Promise<never> {
  await new Client().conversations.submitMessage("adapter", "It is here", { conversationType: "nobody", taskQueue: "nobody" });
  return new Promise(() => {});
}

/** Waits for {@link keepMessage}: a message that is on its way when its adapter dies is not lost, it never left. */
export async function adapterHasMessage(client: Client): Promise<void> {
  await until("the adapter has the message", async () => (await messages(client, "adapter")).length > 0);
}
