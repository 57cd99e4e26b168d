"""The same start twice is one run: the client's part in Python."""

from everturn import AlreadyExistsError

from harness import World, behaviour, equal


@behaviour()
async def case(world: World) -> None:
    workflows = world.client.workflows
    first = await workflows.start("wait", "Jo", workflow_id="one", request_id="r-1")
    again = await workflows.start("wait", "Jo", workflow_id="one", request_id="r-1")
    equal(again, first)
    try:
        await workflows.start("wait", "Kim", workflow_id="one")
    except AlreadyExistsError as error:
        equal((error.reason, error.metadata["run_id"]), ("RUN_ALREADY_STARTED", first.run_id))
    else:
        raise AssertionError("two runs have one id")
