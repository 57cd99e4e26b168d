"""No such number: by mail instead, and the conversation says so to a client in Python."""

from everturn import (
    ApplicationError,
    ChannelPolicy,
    Conversation,
    Delivery,
    DeliveryStatus,
    TurnPolicy,
    delivery,
)

from harness import World, behaviour, equal, messages, until


@delivery(channel="sms")
async def send_sms(_: Delivery) -> None:
    raise ApplicationError("no such number", type="BadNumber", non_retryable=True)


@delivery(channel="email")
async def send_mail(_: Delivery) -> None:
    pass


@behaviour(deliveries=[send_sms, send_mail])
async def case(world: World) -> None:
    conversations = world.client.conversations
    policy = TurnPolicy(channels={"sms": ChannelPolicy(next_channel=True, expires_after=3600)})
    await conversations.submit_event(
        "jo",
        "hello",
        conversation_type="echo",
        addresses={"email": "jo@example.org"},
        reply_channel="email",
        turn_policy=policy,
    )
    await conversations.submit_message("jo", "Hi", channel="sms", customer_address="+49")

    async def is_marked() -> Conversation | None:
        found = await conversations.get("jo")
        return found if found.failed_addresses else None

    marked = await until("the number is marked", is_marked)
    equal(marked.failed_addresses["sms"].detail, "BadNumber: no such number")
    equal(marked.turn_policy.channels["sms"].next_channel, True)

    async def by_mail() -> bool:
        found = [it.delivery for it in await messages(world.client, "jo") if it.channel == "sms"]
        return any(
            it and it.channel == "email" and it.status is DeliveryStatus.ACCEPTED for it in found
        )

    await until("it went by mail", by_mail)
