"""A client in Python submits by address, and links one."""

import asyncio

from everturn import Contact

from harness import World, at_rest, behaviour, equal, messages


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    phone = Contact("sms", "+1")

    async def write(number: int) -> str:
        submitted = await conversations.submit_message_from(
            phone, f"message {number}", conversation_type="echo", provider_message_id=str(number)
        )
        return submitted.conversation_id

    ids = set(await asyncio.gather(*(write(number % 10) for number in range(20))))
    equal(len(ids), 1)
    (first,) = ids
    await at_rest(world.client, first)
    customers = [it for it in await messages(world.client, first) if it.customer_address == "+1"]
    equal(len(customers), 10)

    await conversations.submit_message(
        "jo", "hi", channel="chat", conversation_type="echo", customer_address="chat-1"
    )
    equal(await conversations.link_address("jo", phone), first)
    equal(await write(11), "jo")
