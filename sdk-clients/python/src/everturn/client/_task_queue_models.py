"""How a task queue stands, as a plain value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from everturn.v1 import task_queue_service_pb2 as pb
from everturn.v1 import worker_service_pb2 as worker_pb
from everturn.values._enums import member_of
from everturn.values._times import from_timestamp


class TaskKind(Enum):
    """What is in a task queue."""

    WORKFLOW = worker_pb.TASK_KIND_WORKFLOW
    ACTIVITY = worker_pb.TASK_KIND_ACTIVITY


@dataclass(frozen=True, slots=True)
class TaskQueue:
    """How a task queue stands.

    Attributes:
        name: Its name.
        kind: What is in it; ``None`` for a kind that this version does not know.
        backlog_count: Tasks that wait.
        oldest_task_time: When the task that has waited longest was offered.
        worker_count: Workers that serve it.
        unserved_since_time: Since when nobody serves it; ``None`` while somebody
            does.
        registered_types: Types that its workers have said they have, sorted.
        missing_types: Types that are wanted from it and that none of its workers
            has, sorted.
    """

    name: str
    kind: TaskKind | None
    backlog_count: int
    oldest_task_time: datetime | None
    worker_count: int
    unserved_since_time: datetime | None
    registered_types: tuple[str, ...]
    missing_types: tuple[str, ...]


def task_queue_from_proto(queue: pb.TaskQueue) -> TaskQueue:
    """Reads how a queue stands."""
    oldest, unserved = "oldest_task_time", "unserved_since_time"
    return TaskQueue(
        name=queue.task_queue,
        kind=member_of(TaskKind, queue.kind),
        backlog_count=queue.backlog_count,
        oldest_task_time=from_timestamp(queue.oldest_task_time) if queue.HasField(oldest) else None,
        worker_count=queue.worker_count,
        unserved_since_time=(
            from_timestamp(queue.unserved_since_time) if queue.HasField(unserved) else None
        ),
        registered_types=tuple(queue.registered_types),
        missing_types=tuple(queue.missing_types),
    )
