"""A client in Python passes edits and retractions on."""

from everturn import OnEdit, TurnPolicy

from harness import World, at_rest, behaviour, equal, messages, refused, transcript


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message(
        "jo", "order 7", channel="chat", conversation_type="echo", provider_message_id="1"
    )
    await at_rest(world.client, "jo")
    edit = await conversations.edit_message(
        "jo", "order 8", channel="chat", provider_message_id="1"
    )
    again = await conversations.edit_message(
        "jo", "order 8", channel="chat", provider_message_id="1"
    )
    equal(edit, again)
    equal((edit.message_sequence, edit.change_sequence), (1, 3))
    await at_rest(world.client, "jo")
    found = [(it.text, it.edits) for it in await messages(world.client, "jo")]
    equal(found, [("order 7", None), ("You said: order 7", None), ("order 8", 1)])

    await conversations.update("jo", turn_policy=TurnPolicy(on_edit=OnEdit.TURN))
    await conversations.edit_message("jo", "order 9", channel="chat", provider_message_id="1")
    await at_rest(world.client, "jo")
    equal((await transcript(world.client, "jo"))[-1], "agent: You said: order 9")
    await conversations.retract_message("jo", channel="chat", provider_message_id="1")
    await refused(
        conversations.retract_message("jo", channel="chat", provider_message_id="2"),
        "MESSAGE_NOT_FOUND",
    )
