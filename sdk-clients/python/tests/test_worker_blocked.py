"""Code that does not get on is told with its stack, and the worker stays connected."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from everturn import RpcError, Worker, activity
from tests.conftest import running
from tests.fake_coordinator import FakeCoordinator, FakeStream, task
from tests.process_activities import hold_process

RELEASED = threading.Event()


@activity
async def blocks_the_loop() -> None:
    while not RELEASED.is_set():
        time.sleep(0.05)  # noqa: ASYNC251 - what people write


@activity
async def innocent() -> None:
    await asyncio.sleep(0)


@activity
def beats() -> None:
    for _ in range(20):
        activity.context().heartbeat()
        time.sleep(0.02)


@asynccontextmanager
async def in_a_thread(
    coordinator: FakeCoordinator, *activities: Callable[..., Any], **options: Any
) -> AsyncGenerator[FakeStream]:
    """A worker with an event loop of its own, which may be blocked."""
    worker = Worker(
        activities=activities, address=coordinator.address, blocked_timeout=0.5, **options
    )
    thread = threading.Thread(target=worker.run_sync)
    thread.start()
    try:
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits > 0)
        yield stream
    finally:
        RELEASED.set()
        worker.stop()
        worker.stop()
        await asyncio.to_thread(thread.join)
        RELEASED.clear()


async def test_a_blocked_event_loop_is_told_with_its_stack_and_the_session_stays(
    coordinator: FakeCoordinator, caplog: pytest.LogCaptureFixture
) -> None:
    coordinator.ping_interval_s = 0.2
    async with in_a_thread(coordinator, blocks_the_loop, innocent, beats) as stream:
        stream.send_tasks(task(1, "innocent"), task(2, "blocks_the_loop"))
        await stream.until(lambda: any(beat.blocked_stack for beat in stream.heartbeats))
        told = [beat for beat in stream.heartbeats if beat.blocked_stack]
        assert [beat.task_token for beat in told] == [b"token-2"]
        assert "in blocks_the_loop" in told[0].blocked_stack
        # Functions in threads start, say they are alive and end all the same.
        stream.send_tasks(task(3, "beats"))
        await stream.result_of(b"token-3")
        pings = len(stream.pings)
        await stream.until(lambda: len(stream.pings) > pings + 2)
        assert not stream.is_broken
        assert len(coordinator.all_streams) == 1
        RELEASED.set()
        await stream.result_of(b"token-2")
    lines = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert len(lines) == 1, "once, not with every look"
    assert "blocks_the_loop" in lines[0].getMessage()


async def test_a_process_pool_that_never_gets_free_is_told_with_what_it_runs(
    coordinator: FakeCoordinator,
) -> None:
    async with in_a_thread(coordinator, hold_process, max_processes=1) as stream:
        stream.send_tasks(task(1, "hold_process", 3.0), task(2, "hold_process", 0.0))
        await stream.until(
            lambda: len({b.task_token for b in stream.heartbeats if b.blocked_stack}) == 2
        )
        told = {beat.task_token: beat.blocked_stack for beat in stream.heartbeats}
        assert "1 of 1 run hold_process" in told[b"token-2"]
        assert "in hold_process" in told[b"token-1"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, "unknown service"),
        (grpc.StatusCode.UNAUTHENTICATED, "no token"),
        (grpc.StatusCode.PERMISSION_DENIED, "not for you"),
    ],
)
async def test_errors_that_do_not_heal_end_the_worker_with_their_reason(
    coordinator: FakeCoordinator,
    caplog: pytest.LogCaptureFixture,
    code: grpc.StatusCode,
    text: str,
) -> None:
    coordinator.refuses = (code, text)
    worker = Worker(activities=[innocent], address=coordinator.address, connect_timeout=0.3)
    async with running(worker) as run:
        with pytest.raises(RpcError, match=text):
            await asyncio.wait_for(run, 10)
    assert caplog.records
    assert all(text in record.getMessage() for record in caplog.records)


async def test_a_port_that_speaks_http_ends_the_worker_with_what_it_is() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    worker = Worker(activities=[innocent], address=f"127.0.0.1:{port}", connect_timeout=0.3)
    async with server, running(worker) as run:
        with pytest.raises(RpcError, match=r"(?i)http"):
            await asyncio.wait_for(run, 10)


async def test_a_server_that_is_away_is_waited_for(coordinator: FakeCoordinator) -> None:
    await coordinator.stop()
    worker = Worker(activities=[innocent], address=coordinator.address, connect_timeout=0.1)
    async with running(worker) as run:
        await asyncio.sleep(1.0)
        assert not run.done()
        await coordinator.start()
        await coordinator.stream()
