"""Failed attempts in Python are repeated, until one succeeds or none is left."""

from everturn import activity

from harness import World, behaviour, called, equal

keys: set[str] = set()


@activity
def flaky(succeeds_at: int) -> str:
    context = activity.context()
    keys.add(context.idempotency_key)
    if context.attempt < succeeds_at:
        raise ValueError(f"attempt {context.attempt} failed")
    return f"attempt {context.attempt}"


@behaviour(activities=[flaky])
async def case(world: World) -> None:
    equal(await called(world.client, "flaky", input=3), {"result": "attempt 3"})
    equal(len(keys), 1)
    options = {"retry": {"maximumAttempts": 2}}
    ended = await called(world.client, "flaky", input=5, options=options)
    failure = ended["failure"]
    found = (ended["attempt"], failure["type"], failure["message"])
    equal(found, (2, "ValueError", "attempt 2 failed"))
