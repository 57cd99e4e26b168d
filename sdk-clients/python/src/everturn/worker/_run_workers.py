"""Runs workers in an event loop of their own, until a signal makes them drain."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Protocol


class Runnable(Protocol):
    """What runs until it is told to stop: a worker."""

    def stop(self) -> None:
        """Makes it drain and end."""
        ...

    async def run(self) -> None:
        """Runs until then."""
        ...


def run_workers(*workers: Runnable) -> None:
    """Runs workers together in one event loop until all have drained.

    SIGTERM and SIGINT make them drain, a second one ends them without waiting
    for attempts. Signals are only handled in the main thread. When a worker
    fails the others drain first.

    Raises:
        InvalidArgumentError: The server refuses an option of a worker.
    """
    asyncio.run(_run_together(workers))


async def _run_together(workers: Sequence[Runnable]) -> None:
    def stop_all() -> None:
        for worker in workers:
            worker.stop()

    async def run_one(worker: Runnable) -> None:
        try:
            await worker.run()
        except BaseException:
            stop_all()
            raise

    with _signals(stop_all):
        tasks = [asyncio.create_task(run_one(worker)) for worker in workers]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    handled = (signal.SIGTERM, signal.SIGINT)
    for number in handled:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
