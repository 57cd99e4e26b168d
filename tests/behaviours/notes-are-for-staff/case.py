"""A client in Python leaves a note: it is there for whoever asks for notes."""

from harness import World, at_rest, behaviour, equal, transcript


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "Hi", channel="chat", conversation_type="echo")
    await at_rest(world.client, "jo")
    first = await conversations.add_note("jo", "a friend", author_name="Kim", request_id="n")
    again = await conversations.add_note("jo", "a friend", author_name="Kim", request_id="n")
    equal((first, again), (3, 3))

    equal(await transcript(world.client, "jo"), ["customer: Hi", "agent: You said: Hi"])
    notes = [
        (it.author_name, it.text)
        async for it in conversations.list_messages("jo", include_notes=True)
        if it.is_note
    ]
    equal(notes, [("Kim", "a friend")])
