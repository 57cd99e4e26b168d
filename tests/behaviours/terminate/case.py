"""A terminated run is over at once: the client's part in Python."""

from everturn import RunStatus, WorkflowTerminatedError

from harness import World, behaviour, equal, refused


@behaviour()
async def case(world: World) -> None:
    workflows = world.client.workflows
    await workflows.start("wait", "Jo", workflow_id="one")
    await workflows.terminate("one", reason="stuck")
    found = await workflows.describe("one")
    equal(
        (found.run.status, found.failure and found.failure.message), (RunStatus.TERMINATED, "stuck")
    )
    try:
        await workflows.wait_result("one", timeout=20)
    except WorkflowTerminatedError as error:
        equal(error.failure and error.failure.message, "stuck")
    else:
        raise AssertionError("it completed")
    await refused(workflows.signal("one", "go"), "RUN_CLOSED")
    await refused(workflows.terminate("one"), "RUN_CLOSED")
