"""The receipt comes before an adapter in Python says which id the message has."""

from everturn import Delivery, DeliveryStatus, delivery

from harness import Gate, World, behaviour
from harness.deliveries import delivery_becomes, write

gate = Gate()


@delivery(channel="sms")
async def send_sms(_: Delivery) -> str:
    await gate.go_through()
    return "7"


@behaviour(deliveries=[send_sms])
async def case(world: World) -> None:
    await write(world.client, "Hi")
    await gate.arrived()
    await world.client.conversations.report_delivery(
        "jo", DeliveryStatus.DELIVERED, provider_message_id="7", channel="sms"
    )
    gate.open()
    await delivery_becomes(world.client, 2, DeliveryStatus.DELIVERED)
