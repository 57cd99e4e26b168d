"""Python clients wait for a result, with and without a bound, and read it as a type."""

import asyncio
from dataclasses import dataclass

from everturn import WaitTimeoutError, activity

from harness import World, behaviour, equal, refused


@dataclass
class Answer:
    """What the workflow `call` gives."""

    result: str


@activity
async def greet(name: str) -> str:
    return f"Hello {name}"


@behaviour(activities=[greet])
async def case(world: World) -> None:
    workflows = world.client.workflows
    await workflows.start("wait", "Jo", workflow_id="one")
    try:
        await workflows.wait_result("one", timeout=0.1)
    except WaitTimeoutError:
        pass
    else:
        raise AssertionError("it did not wait")
    waits = [asyncio.ensure_future(workflows.wait_result("one", timeout=20)) for _ in range(3)]
    await workflows.signal("one", "go", "hello")
    equal(await asyncio.gather(*waits), ["Jo: hello"] * 3)

    await workflows.start("call", {"activity": "greet", "input": "Jo"}, workflow_id="two")
    typed = await workflows.wait_result("two", result_type=Answer, timeout=20)
    equal(typed, Answer("Hello Jo"))
    await refused(workflows.wait_result("three"), "RUN_NOT_FOUND")
