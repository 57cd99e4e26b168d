"""A run that takes too long closes as timed out: the client's part in Python."""

from everturn import FailureKind, WorkflowTimedOutError

from harness import World, behaviour, equal


@behaviour()
async def case(world: World) -> None:
    workflows = world.client.workflows
    await workflows.start("wait", "Jo", workflow_id="one", execution_timeout=0.3)
    try:
        await workflows.wait_result("one", timeout=20)
    except WorkflowTimedOutError as error:
        equal(error.failure and error.failure.kind, FailureKind.TIMEOUT)
    else:
        raise AssertionError("it completed")
