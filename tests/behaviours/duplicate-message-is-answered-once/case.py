"""A message that is handed in twice is one message: the client's part in Python."""

from everturn import SubmittedMessage

from harness import World, behaviour, equal, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations

    async def submit() -> SubmittedMessage:
        return await conversations.submit_message(
            "jo", "Hi", channel="chat", conversation_type="echo", provider_message_id="m-1"
        )

    first = await submit()
    await transcript_becomes(world.client, "jo", ["customer: Hi", "agent: You said: Hi"])
    equal(await submit(), first)
    found = await conversations.get("jo")
    equal((found.message_count, found.turn_count, found.waiting_message_count), (2, 1, 0))
