"""Hand-backs from Python name their handover, and are repeated safely."""

from everturn import Person

from harness import World, behaviour, refused, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "one", channel="chat", conversation_type="echo")
    await transcript_becomes(world.client, "jo", ["customer: one", "agent: You said: one"])
    first = await conversations.hand_off("jo", Person("Ann"))
    await conversations.hand_back("jo", author_name="Ann", request_id="r-1")
    await conversations.hand_back("jo", author_name="Ann", request_id="r-1")
    await conversations.hand_back("jo", handoff_epoch=first)
    await conversations.hand_off("jo", Person("Bob"))
    await refused(conversations.hand_back("jo", handoff_epoch=first), "HANDOFF_CHANGED")
