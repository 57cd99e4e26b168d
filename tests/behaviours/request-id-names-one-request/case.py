"""Ids that Python uses twice, for the same and for something else."""

from everturn import AlreadyExistsError

from harness import World, behaviour, equal, refused, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations

    async def say(text: str, address: str = "") -> None:
        await conversations.submit_message(
            "jo",
            text,
            channel="chat",
            conversation_type="echo",
            provider_message_id="m1",
            customer_address=address,
        )

    await say("one")
    await say("one")
    try:
        await say("two")
    except AlreadyExistsError as error:
        equal((error.reason, error.metadata["message_sequence"]), ("MESSAGE_ID_REUSED", "1"))
    await transcript_becomes(world.client, "jo", ["customer: one", "agent: You said: one"])
    write = conversations.send_human_message
    first = await write("jo", "Hello", author_name="Ann", request_id="r-1")
    equal(await write("jo", "Hello", author_name="Ann", request_id="r-1"), first)
    await refused(write("jo", "Bye", author_name="Ann", request_id="r-1"), "REQUEST_ID_REUSED")
