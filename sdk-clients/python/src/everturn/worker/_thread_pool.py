"""Threads for activities that are not async.

Daemon threads, unlike those of ``concurrent.futures``: a function that ignores
its cancellation must not keep a worker from ending after its drain timeout.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class ThreadPool:
    """Runs jobs in threads that are made when needed and kept.

    Args:
        threads_max: Most threads. Further jobs wait in a queue, which the
            caller bounds.
    """

    def __init__(self, threads_max: int) -> None:
        self._threads_max = threads_max
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._idle_count = 0
        self._thread_count = 0
        self._lock = threading.Lock()

    def submit(self, job: Callable[[], None]) -> None:
        """Queues a job. It must not raise."""
        with self._lock:
            if self._idle_count > 0:
                self._idle_count -= 1
            elif self._thread_count < self._threads_max:
                self._thread_count += 1
                name = f"everturn-activity-{self._thread_count}"
                threading.Thread(target=self._run, name=name, daemon=True).start()
        self._jobs.put(job)

    def close(self) -> None:
        """Lets the threads end after the jobs they have."""
        with self._lock:
            count, self._thread_count = self._thread_count, 0
        for _ in range(count):
            self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            with self._lock:
                self._idle_count += 1
