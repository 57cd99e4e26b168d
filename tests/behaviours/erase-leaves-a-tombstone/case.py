"""Erased: the words are gone, the counts stay. The client's part in Python."""

from everturn import ConversationStatus, ErasedConversation, RpcError

from harness import World, behaviour, equal, refused, transcript, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "my secret", channel="chat", conversation_type="echo")
    lines = ["customer: my secret", "agent: You said: my secret"]
    await transcript_becomes(world.client, "jo", lines)
    equal(await conversations.erase("jo"), ErasedConversation(message_count=2, run_count=1))

    found = await conversations.get("jo")
    equal((found.status, found.message_count), (ConversationStatus.ERASED, 2))
    equal((found.erased_run_count, len(found.state)), (1, 0))
    seen: list[str] = []
    try:
        seen += await transcript(world.client, "jo")
    except RpcError as error:
        equal(error.reason, "CONVERSATION_ERASED")
    equal([line for line in seen if "secret" in line], [])
    again = conversations.submit_message("jo", "Hi", channel="chat", conversation_type="echo")
    await refused(again, "CONVERSATION_ERASED")
