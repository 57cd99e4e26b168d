"""Three messages in a row get one answer: the client's part in Python."""

from everturn import Debounce, TurnPolicy

from harness import World, behaviour, equal, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    policy = TurnPolicy(debounce=Debounce(quiet=2))
    for word in ("my", "parcel", "is late"):
        await world.client.conversations.submit_message(
            "jo", word, channel="chat", conversation_type="echo", turn_policy=policy
        )
    heard = ["customer: my", "customer: parcel", "customer: is late"]
    answer = "agent: You said: my\nparcel\nis late"
    await transcript_becomes(world.client, "jo", [*heard, answer])
    equal((await world.client.conversations.get("jo")).turn_count, 1)
