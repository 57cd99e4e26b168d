"""A paused run keeps its signals until it is resumed: the client's part in Python."""

from everturn import RunStatus, WaitTimeoutError

from harness import World, behaviour, equal, until


@behaviour()
async def case(world: World) -> None:
    workflows = world.client.workflows
    await workflows.start("wait", "Jo", workflow_id="one")

    async def waits() -> bool:
        return await workflows.state("one") == {"phase": "Jo waits"}

    await until("it waits", waits)
    await workflows.pause("one", reason="maintenance")
    await workflows.signal("one", "go", "hello")
    run = (await workflows.describe("one")).run
    equal((run.paused, run.status), (True, RunStatus.RUNNING))
    try:
        await workflows.wait_result("one", timeout=0.2)
    except WaitTimeoutError:
        pass
    else:
        raise AssertionError("it went on while it was paused")

    await workflows.resume("one")
    equal(await workflows.wait_result("one", timeout=20), "Jo: hello")
