"""Fixtures: a fake coordinator, a worker connected to it, both clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from everturn import Worker
from tests.client_fixture import Both, connected
from tests.fake_coordinator import FakeCoordinator, FakeStream

Connect = Callable[..., Awaitable[tuple[Worker, FakeStream]]]


@pytest_asyncio.fixture
async def coordinator() -> AsyncIterator[FakeCoordinator]:
    fake = FakeCoordinator()  # pyright: ignore[reportAbstractUsage]
    await fake.start()
    yield fake
    await fake.stop()


@asynccontextmanager
async def running(worker: Worker) -> AsyncGenerator[asyncio.Task[None]]:
    """Runs a worker in the background; ends it at the latest with the block."""
    run = asyncio.create_task(worker.run())
    try:
        yield run
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


@pytest_asyncio.fixture
async def connect(coordinator: FakeCoordinator) -> AsyncIterator[Connect]:
    """Connects a worker; returns it with its first stream, credits granted."""
    async with AsyncExitStack() as stack:

        async def open_worker(*activities: Any, **options: Any) -> tuple[Worker, FakeStream]:
            worker = Worker(activities=activities, address=coordinator.address, **options)
            await stack.enter_async_context(running(worker))
            stream = await coordinator.stream()
            await stream.until(lambda: stream.credits > 0)
            return worker, stream

        yield open_worker


@pytest_asyncio.fixture(params=["async", "sync"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[Both]:
    async with connected(is_async=request.param == "async") as client:
        yield client
