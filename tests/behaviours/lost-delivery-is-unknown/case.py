"""An adapter in Python is killed, or does not know: the message is not sent again."""

from everturn import Delivery, DeliveryStatus, DeliveryUnknownError, delivery

from harness import Work, World, behaviour, equal
from harness.deliveries import adapter_has_message, delivery_becomes, keep_message, write


@delivery(channel="sms")
async def endless(it: Delivery) -> str:
    if "unsure" in it.message.text:
        raise DeliveryUnknownError("the gateway did not answer")
    await keep_message()
    return "never"


@behaviour(roles={"adapter": Work(deliveries=[endless])})
async def case(world: World) -> None:
    adapter = await world.spawn("adapter")
    await write(world.client, "unsure")
    unsure = await delivery_becomes(world.client, 2, DeliveryStatus.UNKNOWN)
    equal(unsure.attempt, 1)

    await write(world.client, "Hi")
    await adapter_has_message(world.client)
    await delivery_becomes(world.client, 4, DeliveryStatus.SENDING)
    await adapter.kill()
    lost = await delivery_becomes(world.client, 4, DeliveryStatus.UNKNOWN)
    equal(lost.attempt, 1)
