"""An event opens a conversation, once: the client's part in Python."""

from everturn import SubmittedEvent

from harness import World, behaviour, equal, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    async def submit() -> SubmittedEvent:
        return await world.client.conversations.submit_event(
            "jo",
            "cart-abandoned",
            {"items": 2},
            event_id="cart-7",
            conversation_type="echo",
            reply_channel="chat",
            labels={"source": "shop"},
        )

    first = await submit()
    await transcript_becomes(world.client, "jo", ["agent: You said: cart-abandoned"])
    equal(await submit(), first)
    found = await world.client.conversations.get("jo")
    equal((found.turn_count, dict(found.labels)), (1, {"source": "shop"}))
