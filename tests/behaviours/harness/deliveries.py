"""What the cases about deliveries share."""

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
