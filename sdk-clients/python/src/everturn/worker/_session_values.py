"""What goes into a worker's session and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from everturn.v1 import worker_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class DeliveryQueue:
    """A queue to take deliveries from, and what its adapter can do.

    Attributes:
        name: Name of the queue.
        can_reconcile: It can ask its provider what became of a lost one.
        can_show_typing: It can show that somebody types.
    """

    name: str
    can_reconcile: bool
    can_show_typing: bool


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a worker says about itself.

    Attributes:
        namespace: Namespace.
        task_queues: Queues to take activity tasks from; 1 to 256.
        identity: Who the worker is, for people.
        build_id: Build of the worker's code.
        slots: Most attempts that run at a time; 1 to 10,000.
        delivery_queues: Queues to take deliveries from.
        activity_types: The activities it has.
    """

    namespace: str
    task_queues: tuple[str, ...]
    identity: str
    build_id: str
    slots: int
    delivery_queues: tuple[DeliveryQueue, ...] = ()
    activity_types: tuple[str, ...] = ()


@dataclass(slots=True)
class Received:
    """What a message of the server asks the worker to do.

    Attributes:
        tasks: Attempts to start.
        cancels: Tokens of attempts to stop, and whether they are over already.
        resend_later: Numbers of results to hand to ``resend`` after a pause.
        dropped: Rejected results that are given up.
    """

    tasks: list[pb.ActivityTask] = field(default_factory=list[pb.ActivityTask])
    cancels: list[tuple[bytes, bool]] = field(default_factory=list[tuple[bytes, bool]])
    resend_later: list[int] = field(default_factory=list[int])
    dropped: list[pb.ResultRejection] = field(default_factory=list[pb.ResultRejection])


def hello_of(options: SessionOptions, running_tokens: Sequence[bytes]) -> pb.Hello:
    """The first message of a stream."""
    queues = [
        pb.QueueSubscription(task_queue=name, kind=pb.TASK_KIND_ACTIVITY)
        for name in options.task_queues
    ]
    queues += [
        pb.QueueSubscription(
            task_queue=queue.name,
            kind=pb.TASK_KIND_ACTIVITY,
            can_reconcile=queue.can_reconcile,
            can_show_typing=queue.can_show_typing,
        )
        for queue in options.delivery_queues
    ]
    return pb.Hello(
        namespace=options.namespace,
        queues=queues,
        identity=options.identity,
        build_id=options.build_id,
        running_task_tokens=running_tokens,
        activity_types=options.activity_types,
    )
