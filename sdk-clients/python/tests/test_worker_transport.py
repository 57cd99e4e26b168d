"""How a worker behaves on the wire: credits, reconnects, pings, draining."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from everturn import InvalidArgumentError, Worker, activity
from everturn.v1 import failure_pb2
from everturn.v1 import worker_service_pb2 as pb
from tests.conftest import Connect, running
from tests.fake_coordinator import FakeCoordinator, task, value_of


@activity
async def echo(value: object) -> object:
    return value


class Gate:
    """An activity that runs until the test lets it."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.started = 0
        self.canceled = 0

    @activity
    async def hold(self, value: object) -> object:
        self.started += 1
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.canceled += 1
            raise
        return value


async def test_hello_says_who_the_worker_is(coordinator: FakeCoordinator, connect: Connect) -> None:
    _, stream = await connect(
        echo,
        namespace="shop",
        task_queues=["a", "b"],
        identity="me",
        build_id="v1",
        max_concurrent=7,
    )
    assert (stream.hello.namespace, stream.hello.identity) == ("shop", "me")
    assert stream.hello.build_id == "v1"
    assert [q.task_queue for q in stream.hello.queues] == ["a", "b"]
    assert {q.kind for q in stream.hello.queues} == {pb.TASK_KIND_ACTIVITY}
    assert stream.credits == 7


async def test_credits_never_exceed_the_slots(connect: Connect) -> None:
    slots, peak, running_now = 5, 0, 0
    full = asyncio.Event()

    @activity
    async def works() -> None:
        nonlocal peak, running_now
        running_now += 1
        peak = max(peak, running_now)
        if running_now == slots:
            full.set()
        await full.wait()
        running_now -= 1

    _, stream = await connect(works, max_concurrent=slots)
    sent = 0
    while sent < 200:
        await stream.until(lambda: stream.credits > 0)
        assert stream.credits + (sent - len(stream.results)) <= slots
        stream.send_tasks(task(sent, "works"))
        sent += 1
    await stream.until(lambda: len(stream.results) == 200)
    await stream.until(lambda: stream.credits == slots)
    assert peak == slots
    assert sorted(stream.acks) == list(range(200))


async def test_unanswered_results_go_out_again_after_a_crash(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    coordinator.accepts_results = False
    _, stream = await connect(echo)
    stream.send_tasks(task(1, "echo", "one"), task(2, "echo", "two"))
    await stream.until(lambda: len(stream.results) == 2)
    stream.send(pb.WorkResponse(accepted_result_ids=[stream.results[0].result_id]))
    unanswered = stream.results[1]
    # The answer to a ping says that the worker has read what came before it.
    stream.send(pb.WorkResponse(ping=9))
    await stream.until(lambda: stream.pongs == [9])
    await coordinator.stop()
    coordinator.accepts_results = True
    await coordinator.start()
    again = await coordinator.stream()
    assert list(again.hello.running_task_tokens) == [unanswered.task_token]
    result = await again.result_of(unanswered.task_token)
    assert (result.result_id, value_of(result)) == (unanswered.result_id, "two")
    assert len(again.results) == 1


async def test_attempts_run_on_through_a_reconnect_and_aborted_ones_are_canceled(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    gate = Gate()
    _, stream = await connect(gate.hold, max_concurrent=10)
    stream.send_tasks(task(1, "hold", 1), task(2, "hold", 2))
    await stream.until(lambda: len(stream.acks) == 2)
    coordinator.aborts = lambda hello: [list(hello.running_task_tokens).index(b"token-1")]
    stream.end()
    again = await coordinator.stream()
    assert sorted(again.hello.running_task_tokens) == [b"token-1", b"token-2"]
    await again.until(lambda: again.credits > 0)
    gate.opened.set()
    assert value_of(await again.result_of(b"token-2")) == 2
    assert (gate.canceled, gate.started) == (1, 2)
    await again.until(lambda: again.credits == 10)
    assert len(again.results) == 1


async def test_task_that_is_delivered_again_is_acknowledged_and_runs_once(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    gate = Gate()
    _, stream = await connect(gate.hold)
    stream.send_tasks(task(1, "hold"))
    await stream.until(lambda: stream.acks == [1])
    stream.send_tasks(task(1, "hold", delivery_id=2))
    await stream.until(lambda: stream.acks == [1, 2])
    gate.opened.set()
    await stream.result_of(b"token-1")
    assert (gate.started, len(stream.results)) == (1, 1)


async def test_rejected_results_are_dropped_resent_or_replaced(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    coordinator.accepts_results = False
    _, stream = await connect(echo, max_concurrent=3)
    stream.send_tasks(*(task(n, "echo", n) for n in (1, 2, 3)))
    await stream.until(lambda: len(stream.results) == 3)
    by_token = {r.task_token: r.result_id for r in stream.results}
    reasons = {b"token-1": "FENCED", b"token-2": "PARTITION_MOVED", b"token-3": "LIMIT_EXCEEDED"}
    stream.results.clear()
    rejections = [
        pb.ResultRejection(result_id=by_token[token], reason=reason)
        for token, reason in reasons.items()
    ]
    stream.send(pb.WorkResponse(rejections=rejections))
    await stream.until(lambda: len(stream.results) == 2)
    moved = await stream.result_of(b"token-2")
    assert moved.result_id == by_token[b"token-2"]
    refused = await stream.result_of(b"token-3")
    assert (refused.failure.type, refused.failure.non_retryable) == ("LIMIT_EXCEEDED", True)
    assert refused.result_id != by_token[b"token-3"]


async def test_ping_is_answered_and_an_idle_worker_pings(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    coordinator.ping_interval_s = 0.1
    _, stream = await connect(echo)
    stream.send(pb.WorkResponse(ping=41))
    await stream.until(lambda: stream.pongs == [41])
    await stream.until(lambda: len(stream.pings) >= 3)
    assert stream.pings[:3] == [1, 2, 3]
    assert not stream.is_broken


async def test_silent_server_is_left_after_three_intervals(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    coordinator.ping_interval_s = 0.1
    coordinator.answers_pings = False
    _, stream = await connect(echo)
    await coordinator.stream()
    assert stream.is_broken


async def test_results_larger_than_a_message_together_leave_in_several(connect: Connect) -> None:
    @activity
    async def large() -> str:
        return "x" * 1_500_000

    _, stream = await connect(large)
    stream.send_tasks(*(task(n, "large") for n in range(6)))
    await stream.until(lambda: len(stream.results) == 6)
    assert max(len(r.activity_results) for r in stream.requests) <= 2


async def test_drain_finishes_what_runs_and_closes_its_side(connect: Connect) -> None:
    gate = Gate()
    worker, stream = await connect(gate.hold)
    stream.send_tasks(task(1, "hold", "late"))
    await stream.until(lambda: stream.acks)
    worker.stop()
    await stream.until(lambda: stream.is_draining)
    gate.opened.set()
    assert value_of(await stream.result_of(b"token-1")) == "late"
    await stream.until(lambda: stream.is_half_closed)


async def test_drain_reports_its_results_to_a_coordinator_that_comes_back(
    coordinator: FakeCoordinator,
) -> None:
    coordinator.accepts_results = False
    worker = Worker(activities=[echo], address=coordinator.address)
    async with running(worker) as run:
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits)
        stream.send_tasks(task(1, "echo", 1))
        await stream.result_of(b"token-1")
        worker.stop()
        await stream.until(lambda: stream.is_draining)
        await coordinator.stop()
        coordinator.accepts_results = True
        await coordinator.start()
        again = await coordinator.stream()
        await again.result_of(b"token-1")
        await asyncio.wait_for(run, 5)
        assert again.is_draining
        assert again.credits == 0


async def test_attempts_over_the_drain_timeout_are_reported_as_lost(
    coordinator: FakeCoordinator,
) -> None:
    gate = Gate()
    worker = Worker(activities=[gate.hold], address=coordinator.address, drain_timeout=0.1)
    async with running(worker) as run:
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits)
        stream.send_tasks(task(1, "hold"))
        await stream.until(lambda: stream.acks)
        worker.stop()
        failure = (await stream.result_of(b"token-1")).failure
        await asyncio.wait_for(run, 5)
    assert failure.kind == failure_pb2.FAILURE_KIND_WORKER_LOST
    assert gate.canceled == 1


async def test_second_stop_does_not_wait_for_attempts(coordinator: FakeCoordinator) -> None:
    gate = Gate()
    worker = Worker(activities=[gate.hold], address=coordinator.address)
    async with running(worker) as run:
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits)
        stream.send_tasks(task(1, "hold"))
        await stream.until(lambda: stream.acks)
        worker.stop()
        await stream.until(lambda: stream.is_draining)
        worker.stop()
        await asyncio.wait_for(run, 5)
    assert gate.canceled == 1


async def test_idle_worker_stops_at_once_even_without_a_server() -> None:
    worker = Worker(activities=[echo], address="127.0.0.1:1")
    async with running(worker) as run:
        await asyncio.sleep(0.2)
        worker.stop()
        await asyncio.wait_for(run, 3)


async def test_worker_connects_again_soon_after_a_long_outage(
    coordinator: FakeCoordinator, connect: Connect
) -> None:
    _, stream = await connect(echo)
    await coordinator.stop()
    await asyncio.sleep(1.5)
    await coordinator.start()
    again = await coordinator.stream()
    await again.until(lambda: again.credits == 100)
    assert stream.is_broken


async def test_refused_options_end_the_worker(coordinator: FakeCoordinator) -> None:
    coordinator.refuses = (grpc.StatusCode.INVALID_ARGUMENT, "bad queue")
    worker = Worker(activities=[echo], address=coordinator.address)
    async with running(worker) as run:
        with pytest.raises(InvalidArgumentError, match="bad queue"):
            await asyncio.wait_for(run, 5)


def test_worker_options_are_checked() -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"activities": []}, "at least one activity"),
        ({"activities": [echo, echo]}, "two activities are named 'echo'"),
        ({"activities": [echo], "max_concurrent": 0}, "max_concurrent must be from 1"),
        ({"activities": [echo], "task_queue": ""}, "task queue must have 1 to 256 bytes"),
        ({"activities": [echo], "drain_timeout": -1}, "must not be negative"),
    )
    for options, message in cases:
        with pytest.raises(ValueError, match=message):
            Worker(**options)
    with pytest.raises(TypeError, match="decorate it"):
        Worker(activities=[asyncio.sleep])
