"""A step that is given up stops its Python activity: on the event loop, and in a thread."""

import asyncio

from everturn import activity

from harness import World, behaviour, equal, until

seen: list[str] = []


@activity
async def search() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        seen.append(f"search: {activity.context().cancel_reason}")
        raise


@activity
def dig() -> None:
    context = activity.context()
    if context.wait_canceled(20):
        seen.append(f"dig: {context.cancel_reason}")
    context.raise_if_canceled()


@behaviour(activities=[search, dig])
async def case(world: World) -> None:
    workflows = world.client.workflows
    for count, name in enumerate(["search", "dig"], 1):
        call = {"activity": name, "cancelAfter": "300ms"}
        await workflows.start("call", call, workflow_id=name)

        async def is_told(count: int = count) -> bool:
            return len(seen) == count

        await until(f"{name} is told", is_told)
        await workflows.signal(name, "go")
        equal(await workflows.wait_result(name, timeout=20), {"error": "CanceledError"})
    equal(seen, ["search: requested", "dig: requested"])
