"""What the cases about deliveries share."""

import asyncio

from everturn import AsyncClient, DeliveryState, DeliveryStatus

from harness import messages, until


async def write(client: AsyncClient, text: str, address: str = "+4917", to: str = "jo") -> None:
    """Writes by SMS to a conversation that says everything again."""
    await client.conversations.submit_message(
        to, text, channel="sms", conversation_type="echo", customer_address=address
    )


async def delivery_becomes(
    client: AsyncClient, sequence: int, status: DeliveryStatus, of: str = "jo"
) -> DeliveryState:
    """Waits until the delivery of a message stands so."""

    async def look() -> DeliveryState | None:
        found = await messages(client, of)
        delivery = found[sequence - 1].delivery if len(found) >= sequence else None
        return delivery if delivery and delivery.status is status else None

    return await until(f"the delivery of message {sequence} is {status.name}", look)


async def keep_message() -> None:
    """For an adapter that is going to be killed: says that it has the message, and stays."""
    async with AsyncClient() as client:
        await client.conversations.submit_message(
            "adapter", "It is here", channel="chat", conversation_type="nobody", task_queue="nobody"
        )
    await asyncio.Event().wait()


async def adapter_has_message(client: AsyncClient) -> None:
    """Waits for ``keep_message``: what is on its way when its adapter dies never left."""

    async def look() -> bool | None:
        return len(await messages(client, "adapter")) > 0 or None

    await until("the adapter has the message", look)
