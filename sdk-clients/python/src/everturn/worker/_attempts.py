"""The attempts of a worker: starts them, stops them, reports how they end.

Guarded by the lock of the session, and used from any thread. Only ``async def``
functions run on the event loop of the worker's ``run``; what is for them goes
through an inbox that wakes the loop once for everything that waits in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from functools import partial
from typing import Any

from everturn.v1.payload_pb2 import Payload
from everturn.v1.worker_service_pb2 import ActivityResult, ActivityTask
from everturn.v1.worker_service_pb2 import TypingNotice as ProtoNotice
from everturn.values._failure import plain_failure
from everturn.values._failure_info import FailureKind
from everturn.values._payload import PayloadConverter
from everturn.values._times import from_duration
from everturn.values._usage import Usage, usage_to_proto
from everturn.worker._activity import ActivityDefinition
from everturn.worker._activity_context import ActivityContext, CancelReason
from everturn.worker._delivery import QUEUE_PREFIX
from everturn.worker._outcome import call_async, call_sync, not_begun
from everturn.worker._process_pool import ProcessJob, ProcessPool
from everturn.worker._session import Session
from everturn.worker._thread_pool import ThreadPool
from everturn.worker._typing import (
    ShowTyping,
    TypingNotice,
    notice_from_proto,
    show_async,
    show_sync,
)

_HEARTBEAT_S = 5.0
_HEARTBEAT_MAX_S = 30.0
_HEARTBEATS_PER_TIMEOUT = 3
_FULL_S = 0.002


class Attempt:
    """One attempt under way; takes what its code says, from any thread."""

    __slots__ = (
        "_owner",
        "context",
        "details",
        "handle",
        "is_async",
        "is_heartbeat_due",
        "job",
        "sent_s",
        "task",
        "token",
        "usage",
    )

    def __init__(self, task: ActivityTask, owner: Attempts) -> None:
        self._owner = owner
        self.task = task
        self.token = task.task_token
        self.context: ActivityContext
        self.handle: asyncio.Task[None] | None = None
        self.job: ProcessJob | None = None
        self.details: Payload | None = None
        self.is_async = False
        self.is_heartbeat_due = False
        self.sent_s = 0.0
        self.usage: Usage | None = None

    def send_heartbeat(self, details: Payload | None) -> None:
        """Takes a heartbeat."""
        self._owner.heartbeat(self, details)

    def send_output(self, data: bytes) -> None:
        """Takes a piece of output."""
        self._owner.output(self, data)

    def send_usage(self, total: Usage) -> None:
        """Takes what the attempt has used so far."""
        self.usage = total

    def send_blocked(self, stack: str) -> None:
        """Takes where the code stands that does not get on."""
        self._owner.blocked(self, stack)

    @property
    def heartbeat_interval_s(self) -> float:
        """Shortest time between two heartbeats on the wire, in seconds."""
        if not self.task.HasField("heartbeat_timeout"):
            return _HEARTBEAT_S
        timeout_s = from_duration(self.task.heartbeat_timeout).total_seconds()
        return min(timeout_s / _HEARTBEATS_PER_TIMEOUT, _HEARTBEAT_MAX_S)


class Attempts:
    """Runs the attempts of one worker.

    Args:
        activities: The activities by name.
        adapters: The delivery adapters by task queue.
        converter: Writes and reads payloads.
        session: Gets results and heartbeats.
        lock: Guards the session.
        wake: Called when the session has something to send.
        threads: For functions that are not async.
        processes: For functions with ``executor="process"``, if there are any.
    """

    def __init__(
        self,
        activities: Mapping[str, ActivityDefinition],
        adapters: Mapping[str, ActivityDefinition],
        converter: PayloadConverter,
        session: Session,
        lock: threading.RLock,
        wake: Callable[[], None],
        threads: ThreadPool,
        processes: ProcessPool | None,
    ) -> None:
        self._activities = activities
        self._adapters = adapters
        self._converter = converter
        self._session = session
        self._lock = lock
        self._wake = wake
        self._threads = threads
        self._processes = processes
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._attempts: dict[bytes, Attempt] = {}
        self._inbox: deque[Callable[[], None]] = deque()
        self._is_inbox_due = False
        self._shown: set[asyncio.Task[None]] = set()
        # Attempts with a heartbeat that waits for its time, and when that is.
        self._due: dict[Attempt, float] = {}

    @property
    def count(self) -> int:
        """Number of attempts whose code has not ended."""
        return len(self._attempts)

    def start(self, task: ActivityTask) -> None:
        """Starts an attempt; its end is reported to the session. Under the lock."""
        attempt = Attempt(task, self)
        if task.HasField("delivery"):
            definition = self._adapters.get(task.task_queue)
        else:
            definition = self._activities.get(task.activity_type)
        if definition is None:
            self._session.finish(attempt.token, self._not_registered(task))
            self._wake()
            return
        attempt.context = ActivityContext(task, self._converter, attempt)
        self._attempts[attempt.token] = attempt
        if definition.is_async:
            attempt.is_async = True
            self._post(partial(self._begin_async, attempt, definition))
        elif definition.executor == "process" and self._processes is not None:
            attempt.job = ProcessJob(
                definition,
                task,
                sink=attempt,
                on_result=partial(self._finished, attempt),
            )
            self._processes.submit(attempt.job)
        else:
            self._threads.submit(partial(self._run_in_thread, attempt, definition))

    def cancel(self, token: bytes, reason: CancelReason) -> None:
        """Tells an attempt to stop; nothing happens if it is over."""
        with self._lock:
            attempt = self._attempts.get(token)
            if attempt is None:
                return
            attempt.context._cancel(reason)
            if attempt.is_async:
                self._post(partial(self._cancel_async, attempt))
            elif attempt.job is not None and self._processes is not None:
                self._processes.cancel(attempt.job, reason)

    def cancel_all(self, reason: CancelReason) -> None:
        """Tells every attempt to stop."""
        with self._lock:
            for token in list(self._attempts):
                self.cancel(token, reason)

    def show_typing(self, proto: ProtoNotice) -> None:
        """Lets the adapter of a channel show who types. Nothing depends on it."""
        adapter = self._adapters.get(f"{QUEUE_PREFIX}{proto.channel}")
        show = adapter.show_typing if adapter else None
        if show is None:
            return
        notice = notice_from_proto(proto)
        if inspect.iscoroutinefunction(show):
            self._post(partial(self._show, show, notice))
        else:
            self._threads.submit(partial(show_sync, show, notice))

    def _show(self, show: ShowTyping, notice: TypingNotice) -> None:
        task = _start(self._loop, show_async(show, notice))
        # The loop itself only has a weak reference.
        self._shown.add(task)
        task.add_done_callback(self._shown.discard)

    # -- how they run ------------------------------------------------------------

    def _begin_async(self, attempt: Attempt, definition: ActivityDefinition) -> None:
        if attempt.context.cancel_reason is not None:
            self._finished(attempt, not_begun(attempt.task, attempt.context, self._converter))
        else:
            attempt.handle = _start(self._loop, self._run_async(attempt, definition))

    def _cancel_async(self, attempt: Attempt) -> None:
        if attempt.handle is not None:
            # A task that is canceled before its first step never runs its code.
            attempt.handle.add_done_callback(lambda _: self._ended_unseen(attempt))
            attempt.handle.cancel()

    async def _run_async(self, attempt: Attempt, definition: ActivityDefinition) -> None:
        result = await call_async(definition, attempt.task, attempt.context, self._converter)
        self._finished(attempt, result)

    def _run_in_thread(self, attempt: Attempt, definition: ActivityDefinition) -> None:
        context = attempt.context
        if context.cancel_reason is not None:
            result = not_begun(attempt.task, context, self._converter)
        else:
            # An empty context: nothing leaks from one attempt to the next.
            result = Context().run(call_sync, definition, attempt.task, context, self._converter)
        self._finished(attempt, result)

    def _ended_unseen(self, attempt: Attempt) -> None:
        if attempt.token in self._attempts:
            self._finished(attempt, not_begun(attempt.task, attempt.context, self._converter))

    def _finished(self, attempt: Attempt, result: ActivityResult) -> None:
        token = attempt.token
        if attempt.usage is not None:
            result.usage.CopyFrom(usage_to_proto(attempt.usage))
        with self._lock:
            self._attempts.pop(token, None)
            self._due.pop(attempt, None)
            details, attempt.details = attempt.details, None
            if details is not None and result.HasField("failure"):
                self._session.heartbeat(token, details)
            self._session.finish(token, result)
        self._wake()

    # -- outputs and heartbeats ----------------------------------------------------

    def output(self, attempt: Attempt, data: bytes) -> None:
        """Takes a piece of output from any thread; the event loop never waits."""
        if attempt.task.HasField("delivery"):
            return
        session, token = self._session, attempt.token
        if threading.get_ident() == self._loop_thread:
            session.output(token, data)
            self._wake()
            return
        while session.is_output_full(token) and attempt.context.cancel_reason is None:
            time.sleep(_FULL_S)
        session.output(token, data)
        self._wake()

    def heartbeat(self, attempt: Attempt, details: Payload | None) -> None:
        """Takes a heartbeat from any thread."""
        with self._lock:
            if details is not None:
                attempt.details = details
            if attempt.is_heartbeat_due or attempt.token not in self._attempts:
                return
            attempt.is_heartbeat_due = True
            due_s = attempt.sent_s + attempt.heartbeat_interval_s
            if attempt.sent_s == 0.0 or due_s <= time.monotonic():
                self._send_heartbeat(attempt, time.monotonic())
            else:
                self._due[attempt] = due_s
        self._wake()

    @property
    def next_heartbeat_s(self) -> float | None:
        """When the next heartbeat that waits for its time is due, if one does."""
        with self._lock:
            return min(self._due.values(), default=None)

    def send_due_heartbeats(self, now_s: float) -> None:
        """Sends the heartbeats whose time has come; under the lock."""
        for attempt in [attempt for attempt, due_s in self._due.items() if due_s <= now_s]:
            self._send_heartbeat(attempt, now_s)

    def _send_heartbeat(self, attempt: Attempt, now_s: float) -> None:
        self._due.pop(attempt, None)
        attempt.sent_s = now_s
        attempt.is_heartbeat_due = False
        details, attempt.details = attempt.details, None
        self._session.heartbeat(attempt.token, details)

    def blocked(self, attempt: Attempt, stack: str) -> None:
        """Says where the code of an attempt stands that does not get on; from any thread."""
        with self._lock:
            self._session.blocked(attempt.token, stack)
        self._wake()

    def async_attempts(self) -> list[Attempt]:
        """The attempts that share the event loop."""
        with self._lock:
            return [attempt for attempt in self._attempts.values() if attempt.is_async]

    def _not_registered(self, task: ActivityTask) -> ActivityResult:
        if task.HasField("delivery"):
            known, what = self._adapters, f"the adapter of {task.task_queue!r}"
        else:
            known, what = self._activities, f"activity {task.activity_type!r}"
        names = ", ".join(sorted(known)) or "none"
        message = f"{what} is not registered; this worker has: {names}"
        # Retryable: another worker of the queue, or the next deployment, may have it.
        failure = plain_failure(FailureKind.APPLICATION, "ActivityNotRegistered", message)
        return ActivityResult(failure=failure)

    # -- inbox ---------------------------------------------------------------------

    def _post(self, call: Callable[[], None]) -> None:
        """Runs a call on the event loop; from any thread."""
        self._inbox.append(call)
        if not self._is_inbox_due:
            self._is_inbox_due = True
            # A loop that is closed has no one left to tell.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._empty_inbox)

    def _empty_inbox(self) -> None:
        self._is_inbox_due = False
        inbox = self._inbox
        while inbox:
            inbox.popleft()()


def _start(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, None]
) -> asyncio.Task[None]:
    if sys.version_info >= (3, 12):
        # Trivial activities end in their first step, without a turn of the loop.
        return asyncio.Task(coroutine, loop=loop, eager_start=True)
    return loop.create_task(coroutine)
