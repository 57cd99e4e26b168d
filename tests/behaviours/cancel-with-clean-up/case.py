"""A canceled run cleans up by a Python activity."""

from everturn import WorkflowCanceledError, activity

from harness import World, behaviour, equal, until

cleaned: list[str] = []


@activity
async def clean_up(what: str) -> str:
    cleaned.append(what)
    return what


@behaviour(activities=[clean_up])
async def case(world: World) -> None:
    workflows = world.client.workflows
    await workflows.start("careful", workflow_id="one")

    async def sleeps() -> bool:
        return bool((await workflows.describe("one")).pending_timers)

    await until("it sleeps", sleeps)
    await workflows.cancel("one", reason="changed my mind")
    try:
        await workflows.wait_result("one", timeout=20)
    except WorkflowCanceledError:
        equal(cleaned, ["the table"])
    else:
        raise AssertionError("it completed")
