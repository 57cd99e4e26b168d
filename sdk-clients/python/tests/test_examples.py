"""Programs as users run them: the README's worker, the raw worker, signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fake_coordinator import FakeCoordinator, task, value_of
from tests.test_public_surface import ROOT, snippets

RAW_WORKER = ROOT.parent.parent / "examples" / "raw-worker" / "python" / "worker.py"


@asynccontextmanager
async def program(path: Path, address: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    environment = {**os.environ, "EVERTURN_ADDRESS": address}
    process = await asyncio.create_subprocess_exec(sys.executable, str(path), env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_raw_worker_has_thirty_lines_and_works(coordinator: FakeCoordinator) -> None:
    assert len(RAW_WORKER.read_text("utf-8").splitlines()) <= 30
    coordinator.polled.extend([task(1, "shout", "hey"), task(2, "add", [1, 2]), task(3, "nope")])
    async with program(RAW_WORKER, coordinator.address):
        async with asyncio.timeout(20):
            await coordinator.completed_event.wait()
    results = {r.task_token: r for r in coordinator.completed}
    assert value_of(results[b"token-1"]) == "HEY!"
    assert value_of(results[b"token-2"]) == 3
    assert results[b"token-3"].failure.type == "KeyError"


async def test_readme_worker_runs_and_drains_on_sigterm(
    coordinator: FakeCoordinator, tmp_path: Path
) -> None:
    path = tmp_path / "shop_worker.py"
    path.write_text(snippets()[0], "utf-8")
    async with program(path, coordinator.address) as process:
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits == 50)
        stream.send_tasks(
            task(1, "charge", {"id": "a", "amount": 2}),
            task(2, "charge", {"id": "b", "amount": 0}),
            task(3, "classify", "money back!"),
        )
        assert value_of(await stream.result_of(b"token-1")) == {"payment_id": "order-1/charge"}
        assert (await stream.result_of(b"token-2")).failure.non_retryable
        # The function lives in __main__: the spawned process finds it there too.
        assert value_of(await stream.result_of(b"token-3")) == "refund"
        process.send_signal(signal.SIGTERM)
        await stream.until(lambda: stream.is_half_closed)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
