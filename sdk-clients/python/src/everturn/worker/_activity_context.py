"""The context of a running activity: who it is, what it can say, cancellation."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from everturn.v1.payload_pb2 import Payload
from everturn.v1.worker_service_pb2 import ActivityTask
from everturn.values._errors import ActivityCanceledError, NoActivityError
from everturn.values._payload import PayloadConverter, encode_bounded
from everturn.values._times import Seconds, from_duration, from_timestamp, seconds_of
from everturn.values._usage import Usage, added

CancelReason = Literal["requested", "fenced", "stopping"]
"""Why an activity should stop: the run asked (``requested``), the attempt is
over already and its result will not be taken (``fenced``), or the worker's
drain timeout passed (``stopping``)."""

_LOGGER = logging.getLogger("everturn.activity")
_lock = threading.Lock()


class ContextSink(Protocol):
    """Where what an activity says goes; called from any thread."""

    def send_heartbeat(self, details: Payload | None, /) -> None:
        """Takes a sign of life."""
        ...

    def send_output(self, data: bytes, /) -> None:
        """Takes a piece of output, not empty."""
        ...

    def send_usage(self, total: Usage, /) -> None:
        """Takes what the attempt has used so far."""
        ...


class ActivityContext:
    """What a running activity knows and can say. Safe to use from any thread.

    Made by the worker; get it with ``activity.context()``.
    """

    __slots__ = ("_canceled", "_converter", "_logger", "_reason", "_sink", "_task", "_usage")

    def __init__(self, task: ActivityTask, converter: PayloadConverter, sink: ContextSink) -> None:
        self._task = task
        self._converter = converter
        self._sink = sink
        self._usage: Usage | None = None
        self._canceled: threading.Event | None = None
        self._logger: logging.LoggerAdapter[logging.Logger] | None = None
        self._reason: CancelReason | None = None

    @property
    def activity_type(self) -> str:
        """Name of the activity."""
        return self._task.activity_type

    @property
    def is_delivery(self) -> bool:
        """True in a delivery adapter."""
        return self._task.HasField("delivery")

    @property
    def workflow_id(self) -> str:
        """Workflow id of the run that scheduled it."""
        return self._task.workflow_id

    @property
    def run_id(self) -> str:
        """Run id of the run that scheduled it."""
        return self._task.run_id

    @property
    def key(self) -> str:
        """Key of the step in its run."""
        return self._task.key

    @property
    def idempotency_key(self) -> str:
        """Key for requests to the outside world: the same for every attempt.

        Also for a turn that takes up the work of an interrupted or failed one.
        """
        if self.is_delivery:
            return self._task.delivery.idempotency_key
        own = f"{self._task.workflow_id}/{self._task.key}"
        return self._task.idempotency_key or own

    @property
    def attempt(self) -> int:
        """Number of the attempt, from 1."""
        return self._task.attempt

    @property
    def task_queue(self) -> str:
        """Task queue it came from."""
        return self._task.task_queue

    @property
    def deadline(self) -> datetime | None:
        """When the attempt times out, by the coordinator's clock.

        The coordinator enforces it and then cancels the attempt (``fenced``).
        """
        return from_timestamp(self._task.deadline) if self._task.HasField("deadline") else None

    @property
    def heartbeat_timeout(self) -> timedelta | None:
        """Longest silence between heartbeats; ``None``: none are expected."""
        task = self._task
        has_timeout = task.HasField("heartbeat_timeout")
        return from_duration(task.heartbeat_timeout) if has_timeout else None

    @property
    def heartbeat_details(self) -> Any:
        """Details of the last heartbeat of an earlier attempt, or ``None``."""
        return self.heartbeat_details_as(Any)

    def heartbeat_details_as(self, hint: Any) -> Any:
        """The details of an earlier attempt, read as a type; ``None`` if none.

        Raises:
            PayloadError: They do not fit the type.
        """
        if not self._task.HasField("heartbeat_details"):
            return None
        return self._converter.decode(self._task.heartbeat_details, hint)

    def heartbeat(self, details: Any = None) -> None:
        """Says that the activity is alive and how far it got.

        Cheap to call often: at most one in a third of the heartbeat timeout
        (or in 5 s if there is none) is sent, the last one always is.

        Args:
            details: Progress to hand to the next attempt if this one is lost.
                ``None`` sends no details.

        Raises:
            PayloadError: The details cannot be written or are too big.
        """
        payload = (
            None if details is None else encode_bounded(self._converter, details, Any, "details")
        )
        self._sink.send_heartbeat(payload)

    def stream(self, chunk: str | bytes) -> None:
        """Hands a part of the output to those who watch the conversation.

        It leaves at once and is not stored: the result of the activity has to
        say it all again. Watchers are told to begin anew when another attempt
        follows. Chunks that are written while one is on its way leave together.

        At most 1 MiB of an attempt waits to be sent. In threads and processes
        this method waits while more than 256 KiB do. It never waits on the
        event loop or without a connection: over the bound the oldest output is
        dropped, and watchers learn where it goes on.

        Args:
            chunk: Text, or bytes as they are; empty ones are left out.
        """
        data = chunk.encode(errors="replace") if isinstance(chunk, str) else bytes(chunk)
        if data:
            self._sink.send_output(data)

    def report_usage(
        self,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost_micros: int = 0,
        currency: str = "",
    ) -> None:
        """Says what the activity has used; adds to what it said before.

        Sent with the end of the attempt, whether it succeeds or not, and
        counted against the budget of the conversation.

        Args:
            input_tokens: Tokens read by models.
            output_tokens: Tokens written by models.
            cost_micros: Cost in millionths of ``currency``.
            currency: ISO 4217 code such as ``"EUR"``; required with a cost.

        Raises:
            ValueError: A number is negative, or the currency is missing,
                malformed or another one than before.
        """
        used = Usage(input_tokens, output_tokens, cost_micros, currency)
        with _lock:
            total = self._usage = added(self._usage, used)
        self._sink.send_usage(total)

    @property
    def cancel_reason(self) -> CancelReason | None:
        """Why the activity should stop; ``None`` while it may go on."""
        return self._reason

    @property
    def is_canceled(self) -> bool:
        """True when the activity should stop; ``cancel_reason`` says why."""
        return self.cancel_reason is not None

    def raise_if_canceled(self) -> None:
        """Raises when the activity should stop.

        Raises:
            ActivityCanceledError: It should; let it pass to confirm.
        """
        reason = self.cancel_reason
        if reason is not None:
            raise ActivityCanceledError(reason)

    def wait_canceled(self, timeout: Seconds | None = None) -> bool:
        """Blocks the thread until the activity should stop: a sleep that ends early.

        For functions that are not async; async ones get ``CancelledError`` in
        whatever they await.

        Args:
            timeout: How long to wait. Default: for ever.

        Returns:
            True if it should stop, False if the time passed.
        """
        with _lock:
            if self._canceled is None:
                self._canceled = threading.Event()
            event = self._canceled
        if self.cancel_reason is not None:
            return True
        return event.wait(None if timeout is None else seconds_of(timeout))

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose records carry the ids of the attempt."""
        if self._logger is None:
            fields: MutableMapping[str, object] = {
                "activity_type": self.activity_type,
                "workflow_id": self.workflow_id,
                "run_id": self.run_id,
                "activity_key": self.key,
                "attempt": self.attempt,
            }
            self._logger = logging.LoggerAdapter(_LOGGER, dict(fields))
        return self._logger

    def _cancel(self, reason: CancelReason) -> None:
        """Tells the activity to stop; the first reason stands, but for a fence."""
        if self._reason is None or reason == "fenced":
            self._reason = reason
        with _lock:
            event = self._canceled
        if event is not None:
            event.set()


_current: ContextVar[ActivityContext] = ContextVar("everturn_activity")
set_context = _current.set


@contextmanager
def entered(context: ActivityContext) -> Generator[None]:
    """Makes a context the current one for a block."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def current_context() -> ActivityContext:
    """The context of the activity that is running.

    Raises:
        NoActivityError: No activity is running here.
    """
    try:
        return _current.get()
    except LookupError:
        raise NoActivityError("no activity is running here") from None
