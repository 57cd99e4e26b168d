"""The load worker of ``everturn bench`` in Python: activities that hand their input back.

Serves the task queue ``<task queue>-python``: in turns Support and Manager, in the
pipeline the steps, and ``stream``, which writes chunks with the time they were
written at.

Needs the Python SDK: ``pip install -e sdk-clients/python``, or its ``src`` in
``PYTHONPATH``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass

from everturn import Worker, activity

SLOTS_MAX = 10_000


@activity
async def support(value: object) -> object:
    """Hands its input back."""
    return value


@activity
async def sales(value: object) -> object:
    """Hands its input back."""
    return value


@activity
async def manager(value: object) -> object:
    """Hands its input back."""
    return value


@activity
async def step(value: object) -> object:
    """Hands its input back."""
    return value


@dataclass
class Chunks:
    """What ``stream`` writes.

    Attributes:
        count: Number of chunks.
        interval_ms: Pause before each.
        size_bytes: Size of one, at least; filled up with spaces.
    """

    count: int = 100
    interval_ms: float = 10.0
    size_bytes: int = 64


@activity
async def stream(chunks: Chunks) -> int:
    """Writes chunks, each a line ``{"number": 1, "sent_ns": <nanoseconds since 1970>}``.

    Lines that leave together arrive as one piece.
    """
    context = activity.context()
    for number in range(1, chunks.count + 1):
        await asyncio.sleep(chunks.interval_ms / 1_000)
        line = json.dumps({"number": number, "sent_ns": time.time_ns()})
        context.stream(f"{line:<{max(0, chunks.size_bytes - 1)}}\n")
    return chunks.count


def main() -> None:
    """Runs until SIGTERM."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--address", default="127.0.0.1:7400")
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--task-queue", default="default")
    parser.add_argument("--slots", type=int, default=100)
    flags = parser.parse_args()
    worker = Worker(
        address=flags.address,
        namespace=flags.namespace,
        task_queue=f"{flags.task_queue}-python",
        activities=[support, sales, manager, step, stream],
        max_concurrent=min(max(1, flags.slots), SLOTS_MAX),
    )
    worker.run_sync()


if __name__ == "__main__":
    main()
