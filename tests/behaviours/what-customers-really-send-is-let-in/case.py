"""A client in Python sends metadata of every size and kind: the message is taken."""

from harness import World, at_rest, behaviour, equal, messages


@behaviour()
async def case(world: World) -> None:
    subject = "Где моя посылка? " * 10
    await world.client.conversations.submit_message(
        "jo",
        "Hi",
        channel="email",
        conversation_type="echo",
        provider_message_id=f"<{'a' * 900}@example.org>",
        author_name=f"{'王' * 90}\nSon",
        attributes={"subject": subject, "headers": "x" * 10_000},
    )
    await at_rest(world.client, "jo")
    message = (await messages(world.client, "jo"))[0]
    equal(message.attributes["subject"], subject)
    equal(message.attributes["everturn.cut"], "headers")
    equal(message.author_name, f"{'王' * 90} Son")
