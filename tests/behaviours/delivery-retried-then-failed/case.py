"""What the provider does not take is tried again by an adapter in Python."""

from everturn import (
    ApplicationError,
    ChannelPolicy,
    Delivery,
    DeliveryStatus,
    TurnPolicy,
    delivery,
)

from harness import World, behaviour, equal
from harness.deliveries import delivery_becomes, write

keys: list[str] = []


@delivery(channel="sms")
def send_sms(it: Delivery) -> str:
    keys.append(it.idempotency_key)
    if it.address == "nowhere":
        raise ApplicationError("no such number", type="BadAddress", non_retryable=True)
    if it.address == "busy" or it.attempt < 3:
        raise ApplicationError("try again", type="Busy", retry_after=0.01)
    return "sms-1"


@behaviour(deliveries=[send_sms])
async def case(world: World) -> None:
    client = world.client
    policy = TurnPolicy(channels={"sms": ChannelPolicy(expires_after=2)})
    await client.conversations.set_type("echo", turn_policy=policy)
    await write(client, "Hi")
    equal((await delivery_becomes(client, 2, DeliveryStatus.ACCEPTED)).attempt, 3)
    equal(len(set(keys)), 1)

    await write(client, "Hi", "busy", to="kim")
    busy = await delivery_becomes(client, 2, DeliveryStatus.FAILED, of="kim")
    equal((busy.attempt > 10, busy.detail), (True, "Busy: try again"))

    await write(client, "Hi", "nowhere", to="lee")
    failed = await delivery_becomes(client, 2, DeliveryStatus.FAILED, of="lee")
    equal((failed.attempt, failed.detail), (1, "BadAddress: no such number"))
