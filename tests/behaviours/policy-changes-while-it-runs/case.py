"""A new policy holds at once for what waits: the client's part in Python."""

from everturn import Debounce, TurnPolicy

from harness import World, behaviour, equal, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    policy = TurnPolicy(debounce=Debounce(quiet=3600))
    await conversations.submit_message(
        "jo", "Hi", channel="chat", conversation_type="echo", turn_policy=policy
    )
    equal((await conversations.get("jo")).waiting_message_count, 1)
    changed = await conversations.update(
        "jo", turn_policy=TurnPolicy(debounce=Debounce(quiet=0)), labels={"vip": "yes"}
    )
    equal(dict(changed.labels), {"vip": "yes"})
    await transcript_becomes(world.client, "jo", ["customer: Hi", "agent: You said: Hi"])
