"""A client in Python merges two conversations."""

from everturn import ConversationStatus

from harness import World, at_rest, behaviour, equal, messages


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    for conversation_id in ("first", "second"):
        await conversations.submit_message(
            conversation_id, f"to the {conversation_id}", channel="chat", conversation_type="echo"
        )
        await at_rest(world.client, conversation_id)
    merged = await conversations.merge("first", "second")
    equal((merged.conversation_id, merged.message_count), ("second", 4))
    ended = await conversations.get("first")
    equal((ended.status, ended.merged_into), (ConversationStatus.CLOSED, "second"))
    said = await messages(world.client, "second")
    equal(
        [it.text for it in said],
        ["to the first", "You said: to the first", "to the second", "You said: to the second"],
    )
    origins = [it.merged_from and it.merged_from.sequence for it in said]
    equal(origins, [1, 2, None, None])
