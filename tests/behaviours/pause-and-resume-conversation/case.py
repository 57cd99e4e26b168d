"""A paused conversation keeps what comes: the client's part in Python."""

from harness import World, behaviour, equal, transcript, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "Hi", channel="chat", conversation_type="echo")
    before = ["customer: Hi", "agent: You said: Hi"]
    await transcript_becomes(world.client, "jo", before)

    await conversations.pause("jo", reason="audit")
    await conversations.submit_message("jo", "Hello?", channel="chat")
    paused = await conversations.get("jo")
    equal(paused.pause and paused.pause.reason, "audit")
    equal((paused.waiting_message_count, paused.turn_count), (1, 1))
    equal(await transcript(world.client, "jo"), [*before, "customer: Hello?"])

    await conversations.resume("jo")
    after = [*before, "customer: Hello?", "agent: You said: Hello?"]
    await transcript_becomes(world.client, "jo", after)
