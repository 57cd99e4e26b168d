"""A client in Python has a message sent again, once its number takes messages."""

from everturn import ApplicationError, Delivery, DeliveryStatus, delivery

from harness import World, behaviour, equal, refused
from harness.deliveries import delivery_becomes, write

addresses: list[str] = []


@delivery(channel="sms")
async def send_sms(it: Delivery) -> None:
    addresses.append(it.address)
    if len(addresses) == 1:
        raise ApplicationError("no credit", non_retryable=True)


@behaviour(deliveries=[send_sms])
async def case(world: World) -> None:
    conversations = world.client.conversations
    await write(world.client, "Hi")
    await delivery_becomes(world.client, 2, DeliveryStatus.FAILED)
    await conversations.resend_message("jo", 2, request_id="again")
    await conversations.resend_message("jo", 2, request_id="again")

    await delivery_becomes(world.client, 2, DeliveryStatus.ACCEPTED)
    equal(addresses, ["+4917", "+4917"])
    await refused(conversations.resend_message("jo", 2), "NOT_RESENDABLE")
