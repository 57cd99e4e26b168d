"""A person who writes by the Python client takes over."""

from everturn import Person

from harness import World, behaviour, equal, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "one", channel="chat", conversation_type="echo")
    first = ["customer: one", "agent: You said: one"]
    await transcript_becomes(world.client, "jo", first)
    sent = await conversations.send_human_message("jo", "Ann here", author_name="Ann")
    equal((sent.message_sequence, sent.took_over, sent.is_echo), (4, True, False))
    found = await conversations.get("jo")
    equal(found.handover and found.handover.assignee, Person("Ann"))
