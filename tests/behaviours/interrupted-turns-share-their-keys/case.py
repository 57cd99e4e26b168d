"""An activity in Python is under way when the customer writes again."""

import asyncio

from everturn import OnBusy, TurnPolicy, activity

from harness import World, behaviour, equal, transcript_becomes, until

keys: list[str] = []


@activity
async def answer(text: str) -> str:
    keys.append(activity.context().idempotency_key)
    if len(keys) == 1:
        await asyncio.sleep(20)
    return f"Done: {text}"


@behaviour(activities=[answer])
async def case(world: World) -> None:
    policy = TurnPolicy(on_busy=OnBusy.INTERRUPT)
    conversations = world.client.conversations
    await conversations.submit_message(
        "jo", "one", channel="chat", conversation_type="desk", turn_policy=policy
    )

    async def is_under_way() -> bool:
        return len(keys) == 1

    await until("the activity runs", is_under_way)
    await conversations.submit_message("jo", "two", channel="chat")
    await transcript_becomes(
        world.client, "jo", ["customer: one", "customer: two", "agent: Done: one\ntwo"]
    )
    equal(keys, ["jo/turn-1/answer"] * 2)
