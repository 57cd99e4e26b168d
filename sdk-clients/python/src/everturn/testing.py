"""Helpers for tests of activities: a context without worker or coordinator."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from everturn.v1.payload_pb2 import Payload
from everturn.v1.worker_service_pb2 import ActivityTask
from everturn.values._payload import JsonPayloadConverter, PayloadConverter
from everturn.values._usage import Usage
from everturn.worker._activity_context import ActivityContext, CancelReason, entered

__all__ = ["ActivityProbe", "activity_context"]


class ActivityProbe:
    """What a test sees of, and does to, an activity. Made by ``activity_context``.

    Attributes:
        context: The context that the activity gets.
        heartbeats: Details of its heartbeats, in order, as plain JSON values;
            ``None`` for one without. Nothing is throttled here.
        chunks: What it streamed, chunk by chunk.
        usage: What it reported to have used; ``None`` if nothing.
    """

    def __init__(self, task: ActivityTask, converter: PayloadConverter) -> None:
        self.heartbeats: list[Any] = []
        self.chunks: list[bytes] = []
        self.usage: Usage | None = None
        self._converter = converter
        self.context = ActivityContext(task, converter, self)

    @property
    def text(self) -> str:
        """What it streamed, as text."""
        return b"".join(self.chunks).decode()

    def cancel(self, reason: CancelReason = "requested") -> None:
        """Tells the activity to stop.

        A coroutine must be canceled too, as the worker does: cancel its task.
        """
        self.context._cancel(reason)

    def send_heartbeat(self, details: Payload | None) -> None:
        """Takes a heartbeat from the context."""
        value = None if details is None else self._converter.decode(details, Any)
        self.heartbeats.append(value)

    def send_output(self, data: bytes) -> None:
        """Takes a piece of output from the context."""
        self.chunks.append(data)

    def send_usage(self, total: Usage) -> None:
        """Takes the usage from the context."""
        self.usage = total


@contextmanager
def activity_context(
    *,
    activity_type: str = "activity",
    workflow_id: str = "workflow",
    key: str = "activity",
    attempt: int = 1,
    heartbeat_details: Any = None,
    converter: PayloadConverter | None = None,
) -> Generator[ActivityProbe]:
    """Runs the block as if it were an attempt of an activity.

    Args:
        activity_type: Name of the activity.
        workflow_id: Workflow id of the run.
        key: Key of the step.
        attempt: Number of the attempt, from 1.
        heartbeat_details: Details that an earlier attempt left; ``None``: none.
        converter: Writes and reads details. Default: JSON.
    """
    payloads = converter or JsonPayloadConverter()
    task = ActivityTask(
        activity_type=activity_type,
        workflow_id=workflow_id,
        run_id="run",
        key=key,
        attempt=attempt,
        task_queue="default",
        heartbeat_details=None if heartbeat_details is None else payloads.encode(heartbeat_details),
    )
    probe = ActivityProbe(task, payloads)
    with entered(probe.context):
        yield probe
