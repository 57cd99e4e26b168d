"""A client in Python imports a transcript of several parts."""

from datetime import UTC, datetime, timedelta

from everturn import AuthorKind, ImportedMessage

from harness import World, at_rest, behaviour, equal, messages, transcript


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    said = [
        ImportedMessage(
            AuthorKind.CUSTOMER if number % 2 else AuthorKind.AGENT,
            f"old {number}",
            begin + timedelta(minutes=number),
            "chat",
        )
        for number in range(1_100)
    ]
    equal(await conversations.import_transcript("jo", said, conversation_type="echo"), 1_100)
    equal(await conversations.import_transcript("jo", said, conversation_type="echo"), 1_100)
    found = await conversations.get("jo")
    equal((found.message_count, found.turn_count, found.unanswered_since_time), (1_100, 0, None))
    equal([it.text for it in await messages(world.client, "jo")], [it.text for it in said])
    await conversations.submit_message("jo", "new", channel="chat")
    await at_rest(world.client, "jo")
    equal((await transcript(world.client, "jo"))[-1], "agent: You said: new")
