"""A reply leaves by an adapter in Python; receipts move it forward."""

from everturn import Delivery, DeliveryReceipt, DeliveryStatus, delivery

from harness import World, behaviour, equal, refused
from harness.deliveries import delivery_becomes, write

sent: list[Delivery] = []


@delivery(channel="sms")
async def send_sms(it: Delivery) -> DeliveryReceipt:
    sent.append(it)
    return DeliveryReceipt(f"sms-{len(sent)}")


@behaviour(deliveries=[send_sms])
async def case(world: World) -> None:
    await write(world.client, "Hi")
    accepted = await delivery_becomes(world.client, 2, DeliveryStatus.ACCEPTED)
    found = (accepted.address, accepted.provider_message_id, accepted.attempt)
    equal(found, ("+4917", "sms-1", 1))
    equal(
        [(it.address, it.message.text, it.reconcile) for it in sent],
        [("+4917", "You said: Hi", False)],
    )

    report = world.client.conversations.report_delivery
    delivered, read = DeliveryStatus.DELIVERED, DeliveryStatus.READ
    equal(await report("jo", delivered, provider_message_id="sms-1"), delivered)
    equal(await report("jo", read, message_sequence=2), read)
    # A receipt that comes late, and again, does not take it back.
    equal(await report("jo", delivered, message_sequence=2), read)
    await refused(report("jo", read, provider_message_id="sms-9"), "DELIVERY_NOT_FOUND")
