"""Sees activities that do not get on: an event loop that is blocked, processes that never get free.

A thread looks at a number that the event loop changes four times a second.
When it stands still, the stack of the loop's thread goes to the log and to the
coordinator, which shows it as the reason why the activity waits. Code that
keeps Python's global lock (a C extension) blocks this thread too: it is then
told when the lock is free again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from types import FrameType

from everturn.worker._attempts import Attempt, Attempts
from everturn.worker._process_pool import ProcessPool
from everturn.worker._stacks import frame_of, stack_of

_LOGGER = logging.getLogger("everturn.worker")

_BEAT_S = 0.25


class Watchdog:
    """Watches the event loop of a worker, and its processes.

    Args:
        attempts: The attempts of the worker.
        processes: Its processes, if it has any.
        timeout_s: After how long code counts as blocked.
    """

    def __init__(self, attempts: Attempts, processes: ProcessPool | None, timeout_s: float) -> None:
        self._attempts = attempts
        self._processes = processes
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._beat_s = time.monotonic()
        self._is_blocked = False
        self._stopped = threading.Event()
        self._beat_handle: asyncio.TimerHandle | None = None
        self._beat()
        threading.Thread(target=self._watch, name="everturn-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Ends it; on the event loop."""
        self._stopped.set()
        if self._beat_handle is not None:
            self._beat_handle.cancel()

    def _beat(self) -> None:
        self._beat_s = time.monotonic()
        self._beat_handle = self._loop.call_later(_BEAT_S, self._beat)

    def _watch(self) -> None:
        looked_s = time.monotonic()
        while not self._stopped.wait(_BEAT_S):
            now_s = time.monotonic()
            has_slept = now_s - looked_s > self._timeout_s
            looked_s = now_s
            if has_slept:
                # The whole process stood still: nobody is to blame.
                self._beat_s = now_s
                continue
            # A watchdog that fails must not end.
            with contextlib.suppress(Exception):
                self._look_at_loop(now_s)
            if self._processes is not None:
                with contextlib.suppress(Exception):
                    self._processes.look(now_s, self._timeout_s)

    def _look_at_loop(self, now_s: float) -> None:
        blocked_s = now_s - self._beat_s
        if blocked_s < self._timeout_s:
            if self._is_blocked:
                self._is_blocked = False
                _LOGGER.warning("the event loop goes on")
            return
        if self._is_blocked:
            return
        self._is_blocked = True
        frame = frame_of(self._thread_id)
        stack = stack_of(frame)
        culprit = _attempt_in(frame)
        attempts = self._attempts.async_attempts() if culprit is None else [culprit]
        name = "" if culprit is None else f" by activity {culprit.task.activity_type!r}"
        _LOGGER.error(
            "the event loop is blocked%s for %.1f s; code that computes or waits without `await` "
            "belongs into a function that is not async:\n%s",
            name,
            blocked_s,
            stack,
        )
        for attempt in attempts:
            self._attempts.blocked(attempt, stack)


def _attempt_in(frame: FrameType | None) -> Attempt | None:
    """The attempt whose code a thread is in."""
    code = Attempts._run_async.__code__  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if frame.f_code is code:
            found = frame.f_locals.get("attempt")
            return found if isinstance(found, Attempt) else None
        frame = frame.f_back
    return None
