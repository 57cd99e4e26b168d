"""An adapter in Python settles with its provider what a killed one has left open."""

from everturn import Delivery, DeliveryStatus, delivery

from harness import Work, World, behaviour, equal
from harness.deliveries import adapter_has_message, delivery_becomes, keep_message, write


@delivery(channel="sms", can_reconcile=True)
async def endless(it: Delivery) -> str:
    await keep_message()
    return it.idempotency_key


@delivery(channel="sms", can_reconcile=True)
async def asking(it: Delivery) -> str:
    # The provider knows the key: the killed adapter had sent it.
    return "found" if it.reconcile else "sent"


roles = {"doomed": Work(deliveries=[endless]), "asking": Work(deliveries=[asking])}


@behaviour(roles=roles)
async def case(world: World) -> None:
    doomed = await world.spawn("doomed")
    await write(world.client, "Hi")
    await adapter_has_message(world.client)
    await delivery_becomes(world.client, 2, DeliveryStatus.SENDING)
    await doomed.kill()
    await world.spawn("asking")
    settled = await delivery_becomes(world.client, 2, DeliveryStatus.ACCEPTED)
    equal((settled.provider_message_id, settled.attempt), ("found", 2))
