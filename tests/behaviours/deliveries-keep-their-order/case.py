"""An adapter in Python that is slow with the first message gets the second one after it."""

import asyncio

from everturn import Delivery, DeliveryStatus, delivery

from harness import World, behaviour, equal
from harness.deliveries import delivery_becomes, write

sent: list[str] = []


@delivery(channel="sms")
async def send_sms(it: Delivery) -> None:
    if it.message.text.endswith("first"):
        await asyncio.sleep(0.3)
    sent.append(it.message.text)


@behaviour(deliveries=[send_sms])
async def case(world: World) -> None:
    await write(world.client, "first")
    await world.client.conversations.submit_message("jo", "second", channel="sms")

    await delivery_becomes(world.client, 4, DeliveryStatus.ACCEPTED)
    equal(sent, ["You said: first", "You said: second"])
