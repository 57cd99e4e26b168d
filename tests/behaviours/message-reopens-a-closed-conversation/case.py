"""A message from Python reopens a conversation, if its policy does not refuse."""

from everturn import OnClosed, TurnPolicy

from harness import World, behaviour, refused, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations

    async def say(text: str) -> None:
        await conversations.submit_message("jo", text, channel="chat", conversation_type="echo")

    await say("one")
    first = ["customer: one", "agent: You said: one"]
    await transcript_becomes(world.client, "jo", first)
    await conversations.close("jo")
    await say("two")
    await transcript_becomes(world.client, "jo", [*first, "customer: two", "agent: You said: two"])
    await conversations.update("jo", turn_policy=TurnPolicy(on_closed=OnClosed.REFUSE))
    await conversations.close("jo")
    await refused(say("three"), "CONVERSATION_CLOSED")
