"""A newer message cancels the activity of the turn that is running: one in Python."""

import asyncio

from everturn import OnBusy, TurnPolicy, activity

from harness import Gate, World, behaviour, equal, transcript_becomes, until

gate = Gate()
seen: list[str] = []


@activity
async def answer(text: str) -> str:
    if "red" in text and "blue" not in text:
        try:
            await gate.go_through()
        except asyncio.CancelledError:
            seen.append(f"canceled: {activity.context().cancel_reason}")
            raise
    return f"about: {text}"


@behaviour(activities=[answer])
async def case(world: World) -> None:
    conversations = world.client.conversations
    policy = TurnPolicy(on_busy=OnBusy.INTERRUPT)
    await conversations.submit_message(
        "jo", "a red one", channel="chat", conversation_type="desk", turn_policy=policy
    )
    await gate.arrived()
    await conversations.submit_message("jo", "no, a blue one", channel="chat")
    lines = ["customer: a red one", "customer: no, a blue one"]
    answer_line = "agent: about: a red one\nno, a blue one"
    await transcript_becomes(world.client, "jo", [*lines, answer_line])

    async def is_seen() -> bool:
        return bool(seen)

    await until("the activity is told", is_seen)
    # The turn closes at once, so the attempt may be over before it is asked to stop.
    equal(seen[0] in ("canceled: requested", "canceled: fenced"), True)
