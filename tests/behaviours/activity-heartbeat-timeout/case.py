"""An attempt in Python that falls silent is replaced by one that knows how far it came."""

import asyncio

from everturn import activity

from harness import World, behaviour, called, equal, until

reasons: list[str | None] = []


@activity
async def pages() -> str:
    context = activity.context()
    if context.attempt > 1:
        return f"went on after {context.heartbeat_details}"
    context.heartbeat("page 7")
    try:
        await asyncio.Event().wait()
    finally:
        reasons.append(context.cancel_reason)
    return "never"


@behaviour(activities=[pages])
async def case(world: World) -> None:
    options = {"heartbeatTimeout": "500ms"}
    found = await called(world.client, "pages", options=options)
    equal(found, {"result": "went on after page 7"})

    async def is_told() -> bool:
        return bool(reasons)

    await until("the silent attempt is told", is_told)
    equal(reasons, ["fenced"])
