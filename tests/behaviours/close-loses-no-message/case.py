"""A close from Python says what it has seen."""

from everturn import ConversationStatus, FailedPreconditionError

from harness import World, behaviour, equal, refused


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    sent = await conversations.submit_message(
        "jo", "Hi", channel="chat", conversation_type="nobody-answers"
    )
    await refused(conversations.close("jo"), "MESSAGES_WAIT")
    try:
        await conversations.close("jo", unless_after=0)
    except FailedPreconditionError as error:
        equal(error.metadata["message_sequence"], str(sent.message_sequence))
    await conversations.close("jo", unless_after=sent.message_sequence)
    found = await conversations.get("jo")
    equal(found.status, ConversationStatus.CLOSED)
