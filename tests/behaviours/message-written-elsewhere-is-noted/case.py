"""A person's message that the customer has already is noted once."""

from harness import World, behaviour, equal, transcript, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "one", channel="chat", conversation_type="echo")
    await transcript_becomes(world.client, "jo", ["customer: one", "agent: You said: one"])
    for _ in range(2):
        sent = await conversations.send_human_message(
            "jo", "Ann here", author_name="Ann", already_sent="phone-1"
        )
        equal(sent.message_sequence, 4)
    equal((await transcript(world.client, "jo"))[3:], ["human: Ann here"])
