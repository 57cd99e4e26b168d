"""Partial output and usage of activities, from code to the wire."""

from __future__ import annotations

import asyncio
import threading

import pytest

from everturn import activity
from everturn.v1 import failure_pb2
from everturn.v1 import worker_service_pb2 as pb
from tests import process_activities as activities
from tests.conftest import Connect
from tests.fake_coordinator import FakeCoordinator, FakeStream, task, value_of


def sequences(stream: FakeStream, token: bytes) -> list[int]:
    return [o.sequence for o in stream.outputs if o.task_token == token]


async def test_async_activity_streams_before_it_ends(connect: Connect) -> None:
    goes_on = asyncio.Event()

    @activity
    async def writes() -> str:
        activity.context().stream("Hel")
        activity.context().stream(b"lo ")
        activity.context().stream("")
        await goes_on.wait()
        activity.context().stream("world")
        return "Hello world"

    _, stream = await connect(writes)
    stream.send_tasks(task(1, "writes"))
    await stream.until(lambda: stream.outputs)
    assert stream.output_of(b"token-1") == b"Hello "
    assert not stream.results
    goes_on.set()
    assert value_of(await stream.result_of(b"token-1")) == "Hello world"
    assert stream.output_of(b"token-1") == b"Hello world"
    assert sequences(stream, b"token-1") == [1, 2]


async def test_all_output_is_there_before_the_result(connect: Connect) -> None:
    @activity
    async def hurries() -> None:
        activity.context().stream("x" * 300_000)

    _, stream = await connect(hurries)
    stream.send_tasks(*(task(n, "hurries") for n in range(20)))
    await stream.until(lambda: len(stream.results) == 20)
    place: dict[bytes, int] = {}
    for index, request in enumerate(stream.requests):
        place.update((o.task_token, index) for o in request.outputs)
        assert request.ByteSize() < 4 * 1024 * 1024
        assert all(index > place[r.task_token] for r in request.activity_results)
    assert all(len(stream.output_of(f"token-{n}".encode())) == 300_000 for n in range(20))


async def test_thread_streams_and_waits_instead_of_losing(connect: Connect) -> None:
    @activity
    def floods() -> int:
        for number in range(400):
            activity.context().stream(f"{number:05d}" * 2_000)
        return 400

    _, stream = await connect(floods)
    stream.send_tasks(task(1, "floods"))
    await stream.result_of(b"token-1")
    expected = "".join(f"{number:05d}" * 2_000 for number in range(400))
    assert stream.output_of(b"token-1").decode() == expected
    numbers = sequences(stream, b"token-1")
    assert numbers == list(range(1, len(numbers) + 1))


async def test_process_streams_and_reports_usage(connect: Connect) -> None:
    _, stream = await connect(activities.streams, activities.pays_and_dies, max_processes=1)
    stream.send_tasks(task(1, "streams", 500), task(2, "pays_and_dies"))
    result = await stream.result_of(b"token-1")
    assert stream.output_of(b"token-1").decode().split() == [str(n) for n in range(500)]
    assert result.usage.output_tokens == 500
    died = await stream.result_of(b"token-2")
    assert died.failure.kind == failure_pb2.FAILURE_KIND_WORKER_LOST
    assert died.usage.input_tokens == 5


async def test_event_loop_is_never_held_up_and_the_oldest_output_goes(connect: Connect) -> None:
    @activity
    async def floods() -> None:
        for number in range(40):
            activity.context().stream(bytes([number]) * 64 * 1024)

    _, stream = await connect(floods)
    stream.send_tasks(task(1, "floods"))
    await stream.result_of(b"token-1")
    assert sequences(stream, b"token-1") == list(range(25, 41))


async def test_output_goes_on_after_a_reconnect_without_a_hole(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    turn = [asyncio.Event(), asyncio.Event()]

    @activity
    async def writes() -> None:
        context = activity.context()
        context.stream("one ")
        await turn[0].wait()
        context.stream("two ")
        await turn[1].wait()
        context.stream("three")

    _, stream = await connect(writes)
    stream.send_tasks(task(1, "writes"))
    await stream.until(lambda: stream.outputs)
    await coordinator.stop()
    turn[0].set()
    await asyncio.sleep(0.05)
    await coordinator.start()
    again = await coordinator.stream()
    await again.until(lambda: len(again.outputs) == 2)
    turn[1].set()
    await again.result_of(b"token-1")
    assert again.output_of(b"token-1") == b"one two three"
    assert sequences(again, b"token-1") == [1, 2, 3]


async def test_fenced_attempt_streams_into_the_void(connect: Connect) -> None:
    fenced, done = threading.Event(), threading.Event()

    @activity
    def writes() -> None:
        activity.context().stream("wanted")
        activity.context().wait_canceled(10)
        fenced.set()
        activity.context().stream("unwanted")
        done.set()

    _, stream = await connect(writes)
    stream.send_tasks(task(1, "writes"))
    await stream.until(lambda: stream.outputs)
    fence = pb.ActivityCancel(task_token=b"token-1", fenced=True)
    stream.send(pb.WorkResponse(cancels=[fence], ping=7))
    assert await asyncio.to_thread(done.wait, 10)
    await stream.until(lambda: stream.credits == 100)
    assert stream.output_of(b"token-1") == b"wanted"


async def test_usage_adds_up_and_goes_with_success_and_failure(connect: Connect) -> None:
    @activity
    async def spends(fails: bool) -> None:
        context = activity.context()
        context.report_usage(input_tokens=100, output_tokens=7, cost_micros=30, currency="EUR")
        context.report_usage(input_tokens=1, cost_micros=12, currency="EUR")
        if fails:
            raise RuntimeError

    @activity
    def free() -> None:
        activity.context().report_usage(output_tokens=2, currency="EUR")

    _, stream = await connect(spends, free)
    stream.send_tasks(task(1, "spends", False), task(2, "spends", True), task(3, "free"))
    for token in (b"token-1", b"token-2"):
        usage = (await stream.result_of(token)).usage
        assert (usage.input_tokens, usage.output_tokens) == (101, 7)
        assert (usage.cost_micros, usage.currency) == (42, "EUR")
    usage = (await stream.result_of(b"token-3")).usage
    assert (usage.output_tokens, usage.currency) == (2, "")


async def test_attempt_that_used_nothing_says_nothing(connect: Connect) -> None:
    @activity
    async def idle() -> None: ...

    _, stream = await connect(idle)
    stream.send_tasks(task(1, "idle"))
    assert not (await stream.result_of(b"token-1")).HasField("usage")


@pytest.mark.parametrize(
    ("usage", "message"),
    [
        ({"input_tokens": -1}, "input_tokens must be a whole number"),
        ({"cost_micros": 1.5, "currency": "EUR"}, "cost_micros must be a whole number"),
        ({"cost_micros": 1}, "a cost needs its currency"),
        ({"cost_micros": 1, "currency": "euro"}, "three capital letters"),
        ({"cost_micros": 1, "currency": "USD"}, "the cost is in EUR, not in USD"),
    ],
)
async def test_usage_that_makes_no_sense_is_refused(
    connect: Connect, usage: dict[str, int | str], message: str
) -> None:
    @activity
    async def spends() -> str:
        context = activity.context()
        context.report_usage(cost_micros=5, currency="EUR")
        with pytest.raises(ValueError, match=message):
            context.report_usage(**usage)  # pyright: ignore[reportArgumentType]
        return "refused"

    _, stream = await connect(spends)
    stream.send_tasks(task(1, "spends"))
    result = await stream.result_of(b"token-1")
    assert value_of(result) == "refused"
    assert result.usage.cost_micros == 5
