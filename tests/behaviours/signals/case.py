"""A signal wakes a run, once per request id: the client's part in Python."""

from harness import World, behaviour, equal, refused


@behaviour()
async def case(world: World) -> None:
    workflows = world.client.workflows
    await workflows.start("wait", "Jo", workflow_id="one")
    for _ in range(2):
        await workflows.signal("one", "go", "hello", request_id="r-1")
    equal(await workflows.wait_result("one", timeout=20), "Jo: hello")
    kinds = [event.kind async for event in workflows.history("one")]
    equal(len([kind for kind in kinds if "signal" in kind]), 1)
    await refused(workflows.signal("one", "go", "again"), "RUN_CLOSED")
    await refused(workflows.signal("nobody", "go"), "RUN_NOT_FOUND")
