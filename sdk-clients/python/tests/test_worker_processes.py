"""Activities in processes: values, heartbeats, cancellation, death."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from everturn import Worker, activity
from everturn.v1 import failure_pb2
from everturn.v1 import worker_service_pb2 as pb
from tests import process_activities as activities
from tests.conftest import Connect, running
from tests.fake_coordinator import FakeCoordinator, task, value_of


async def test_process_gets_values_and_sends_heartbeats(connect: Connect) -> None:
    _, stream = await connect(activities.count_words, activities.fail, max_processes=1)
    stream.send_tasks(
        task(1, "count_words", {"words": ["a", "b"]}),
        task(2, "count_words", {"words": []}),
        task(3, "fail"),
    )
    first = value_of(await stream.result_of(b"token-1"))
    second = value_of(await stream.result_of(b"token-2"))
    assert (first["count"], second["count"]) == (2, 0)
    assert first["pid"] == second["pid"] != os.getpid()
    failure = (await stream.result_of(b"token-3")).failure
    assert stream.heartbeats[0].details.data == b'{"done":3}'
    assert (failure.type, failure.message) == ("LookupError", "in the process")
    assert "in fail" in failure.stack_trace


async def test_process_sees_its_cancellation(connect: Connect) -> None:
    _, stream = await connect(activities.spin_until_canceled, max_processes=1)
    stream.send_tasks(task(1, "spin_until_canceled"))
    await stream.until(lambda: stream.heartbeats)
    stream.send(pb.WorkResponse(cancels=[pb.ActivityCancel(task_token=b"token-1")]))
    failure = (await stream.result_of(b"token-1")).failure
    assert failure.kind == failure_pb2.FAILURE_KIND_CANCELED


async def test_what_an_attempt_says_after_its_end_is_not_the_next_ones(connect: Connect) -> None:
    _, stream = await connect(activities.leaves_a_thread, activities.quiet, max_processes=1)
    stream.send_tasks(task(1, "leaves_a_thread"), task(2, "quiet"))
    result = await stream.result_of(b"token-2")
    assert result.HasField("result")
    assert not result.HasField("usage")
    assert not stream.heartbeats


async def test_process_that_dies_fails_its_attempt_and_is_replaced(connect: Connect) -> None:
    _, stream = await connect(activities.die, activities.count_words, max_processes=1)
    stream.send_tasks(task(1, "die", 7), task(2, "count_words", {"words": ["x"]}))
    failure = (await stream.result_of(b"token-1")).failure
    assert failure.kind == failure_pb2.FAILURE_KIND_WORKER_LOST
    assert "exit code 7" in failure.message
    assert value_of(await stream.result_of(b"token-2"))["count"] == 1


async def test_busy_process_is_killed_when_the_worker_ends(coordinator: FakeCoordinator) -> None:
    worker = Worker(
        activities=[activities.ignore_everything],
        address=coordinator.address,
        drain_timeout=0.1,
        max_processes=1,
    )
    async with running(worker) as run:
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits)
        stream.send_tasks(task(1, "ignore_everything"))
        await stream.until(lambda: stream.acks)
        await asyncio.sleep(1.0)
        began_s = time.monotonic()
        worker.stop()
        await asyncio.wait_for(run, 15)
        assert time.monotonic() - began_s < 10


def test_process_activities_must_be_plain_functions_of_a_module() -> None:
    with pytest.raises(TypeError, match="top of its module"):

        @activity(executor="process")
        def nested() -> None: ...

    async def coroutine() -> None: ...

    with pytest.raises(TypeError, match="not async"):
        activity(executor="process")(coroutine)
