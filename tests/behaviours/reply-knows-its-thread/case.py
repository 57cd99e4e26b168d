"""An adapter in Python is told what its message answers."""

from everturn import Delivery, DeliveryStatus, delivery

from harness import World, behaviour, equal
from harness.deliveries import delivery_becomes

threads: list[object] = []


@delivery(channel="email")
async def send_mail(it: Delivery) -> str:
    if answered := it.in_reply_to:
        threads.append((answered.provider_message_ids, answered.subject, answered.references))
    return "<ours@shop>"


@behaviour(deliveries=[send_mail])
async def case(world: World) -> None:
    await world.client.conversations.submit_message(
        "jo",
        "Hi",
        channel="email",
        conversation_type="echo",
        provider_message_id="<1@home>",
        customer_address="jo@example.org",
        attributes={"subject": "Parcel"},
    )
    await delivery_becomes(world.client, 2, DeliveryStatus.ACCEPTED)
    equal(threads, [(("<1@home>",), "Parcel", ("<1@home>",))])
