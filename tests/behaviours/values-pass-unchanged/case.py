"""Values go from Python through TypeScript to Python and back."""

import math
from typing import Any

from everturn import PayloadError, activity

from harness import World, behaviour, called, equal


@activity
def same(value: Any) -> Any:
    return value


@activity
def size_of(value: bytes) -> int:
    return len(value)


@activity
def some_bytes() -> bytes:
    return b"\x00\xffbytes"


@activity
def not_a_number() -> dict[str, float]:
    return {"total": math.nan}


@activity
def fails_twice() -> None:
    raise ExceptionGroup("both", [ValueError("one"), KeyError("two")])


@behaviour(activities=[same, size_of, some_bytes, not_a_number, fails_twice])
async def case(world: World) -> None:
    client = world.client
    value = {
        "numbers": [0, -1, 1.5, 2**53 - 1, 1e300],
        "text": "grüße 👋 \u2028",
        "nested": {"": [], "null": None, "bool": [True, False], "proto": {"__proto__": 1}},
    }
    equal(await called(client, "same", input=value), {"result": value})
    equal(await called(client, "size_of", bytes=5), {"result": 5})
    equal(
        await called(client, "some_bytes"), {"result": {"bytes": [0, 255, 98, 121, 116, 101, 115]}}
    )
    once = {"retry": {"maximumAttempts": 1}}
    failure = (await called(client, "not_a_number", options=once))["failure"]
    equal((failure["type"], failure["message"]), ("PayloadError", "result.total: NaN is not JSON"))
    failure = (await called(client, "fails_twice", options=once))["failure"]
    causes = [failure["cause"], *failure["moreCauses"]]
    equal([cause["type"] for cause in causes], ["ValueError", "KeyError"])
    refused = ""
    try:
        await client.workflows.start("call", {"activity": "same", "input": 2**70})
    except PayloadError as error:
        refused = str(error)
    equal("args.input: 1180591620717411303424 is beyond" in refused, True)
