"""Programs as users run them: the README's workers, the raw and the bench worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fake_coordinator import FakeCoordinator, delivery_task, task, value_of
from tests.test_public_surface import ROOT, snippets

REPOSITORY = ROOT.parent.parent
RAW_WORKER = REPOSITORY / "examples" / "raw-worker" / "python" / "worker.py"
BENCH_WORKER = REPOSITORY / "benches" / "workers" / "python" / "worker.py"


@asynccontextmanager
async def program(
    path: Path, address: str, *arguments: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    environment = {**os.environ, "EVERTURN_ADDRESS": address}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(path), *arguments, env=environment
    )
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


async def test_readme_adapter_sends_asks_first_and_refuses(
    coordinator: FakeCoordinator, tmp_path: Path
) -> None:
    path = tmp_path / "sms_worker.py"
    path.write_text(next(s for s in snippets() if "@delivery" in s), "utf-8")
    async with program(path, coordinator.address):
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits == 100)
        assert [(q.task_queue, q.can_reconcile) for q in stream.hello.queues] == [
            ("deliver.sms", True)
        ]
        stream.send_tasks(delivery_task(1, "sms", address="+49"), delivery_task(2, "sms"))
        sent = value_of(await stream.result_of(b"token-1"))
        assert (await stream.result_of(b"token-2")).failure.type == "BadAddress"
        again = delivery_task(
            3, "sms", address="+49", reconcile=True, idempotency_key="c1/message-1"
        )
        stream.send_tasks(again)
        assert value_of(await stream.result_of(b"token-3")) == sent


async def test_bench_worker_hands_back_and_streams(coordinator: FakeCoordinator) -> None:
    flags = ("--address", coordinator.address, "--task-queue", "q", "--slots", "16")
    async with program(BENCH_WORKER, "127.0.0.1:1", *flags):
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits == 16)
        assert [q.task_queue for q in stream.hello.queues] == ["q-python"]
        names = ("support", "sales", "manager", "step")
        stream.send_tasks(*(task(n, name, "in") for n, name in enumerate(names)))
        for number in range(len(names)):
            assert value_of(await stream.result_of(f"token-{number}".encode())) == "in"
        stream.send_tasks(task(9, "stream", {"count": 5, "interval_ms": 1, "size_bytes": 80}))
        assert value_of(await stream.result_of(b"token-9")) == 5
        lines = stream.output_of(b"token-9").splitlines()
        assert [json.loads(line)["number"] for line in lines] == [1, 2, 3, 4, 5]
        assert {len(line) for line in lines} == {79}
