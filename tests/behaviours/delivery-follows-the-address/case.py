"""An adapter in Python gets the number that was corrected between two attempts."""

from everturn import ApplicationError, Delivery, DeliveryStatus, delivery

from harness import World, behaviour, equal, until
from harness.deliveries import delivery_becomes, write

tried: list[str] = []


@delivery(channel="sms")
async def send_sms(it: Delivery) -> None:
    tried.append(it.address)
    if it.address == "+49":
        raise ApplicationError("busy", type="Busy", retry_after=0.02)


@behaviour(deliveries=[send_sms])
async def case(world: World) -> None:
    await write(world.client, "Hi", "+49")

    async def was_tried() -> bool:
        return len(tried) > 1

    await until("it was tried", was_tried)
    await world.client.conversations.update("jo", addresses={"sms": "+4917"})
    sent = await delivery_becomes(world.client, 2, DeliveryStatus.ACCEPTED)
    equal((sent.address, tried[-1]), ("+4917", "+4917"))
