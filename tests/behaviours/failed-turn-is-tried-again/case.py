"""A model in Python says no twice, and the third attempt of the turn is answered."""

from everturn import ApplicationError, OnTurnFailure, TurnPolicy, activity

from harness import World, behaviour, equal, transcript_becomes

calls: list[str] = []


@activity
def answer(text: str) -> str:
    calls.append(text)
    if len(calls) < 3:
        raise ApplicationError("the model said no", type="ModelError", non_retryable=True)
    return f"Done: {text}"


@behaviour(activities=[answer])
async def case(world: World) -> None:
    policy = TurnPolicy(on_turn_failure=OnTurnFailure(attempts=3, backoff=0.1))
    await world.client.conversations.submit_message(
        "jo", "one", channel="chat", conversation_type="desk", turn_policy=policy
    )
    await transcript_becomes(world.client, "jo", ["customer: one", "agent: Done: one"])
    found = await world.client.conversations.get("jo")
    equal((calls, found.turn_count), (["one"] * 3, 3))
    equal(found.last_turn and found.last_turn.attempt, 3)
