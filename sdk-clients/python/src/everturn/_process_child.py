"""What runs inside a process for activities: one attempt after the other.

Messages of the pipe, each ``(kind, bytes)``; parent to child: ``job`` (the
activity's module and name, the task); child to parent: ``heartbeat`` and
``result``. Cancellation is a byte of shared memory, because a process that
computes does not read its pipe.
"""

from __future__ import annotations

import importlib
import signal
import time
from multiprocessing.connection import Connection
from typing import Any, Literal, cast

from everturn._activity import ActivityDefinition, definition_of
from everturn._activity_context import ActivityContext, CancelReason
from everturn._failure import FailureKind, plain_failure
from everturn._outcome import call_sync
from everturn._payload import PayloadConverter
from everturn._times import Seconds, seconds_of
from everturn.v1.payload_pb2 import Payload
from everturn.v1.worker_service_pb2 import ActivityResult, ActivityTask

CANCEL_REASONS: tuple[CancelReason | None, ...] = (None, "requested", "fenced", "stopping")
"""Meaning of the shared byte."""

_LOOK_S = 0.05

ToChild = tuple[str, str, bytes]
"""Module, qualified name, serialized task."""

FromChild = tuple[Literal["ready", "heartbeat", "result"], bytes | None]
"""Kind of a message and its bytes."""


class _ChildContext(ActivityContext):
    """A context whose cancellation comes from shared memory."""

    __slots__ = ("_flag",)

    def __init__(self, flag: Any, *args: Any) -> None:
        self._flag = flag
        super().__init__(*args)

    @property
    def cancel_reason(self) -> CancelReason | None:
        """Why the activity should stop; ``None`` while it may go on."""
        index: int = self._flag.value
        return CANCEL_REASONS[index]

    def wait_canceled(self, timeout: Seconds | None = None) -> bool:
        """Blocks until the activity should stop; looks every 50 ms."""
        deadline_s = None if timeout is None else time.monotonic() + seconds_of(timeout)
        while not self.is_canceled:
            left_s = _LOOK_S if deadline_s is None else deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(left_s, _LOOK_S))
        return True


def child_main(connection: Connection, flag: Any, converter: PayloadConverter) -> None:
    """Runs attempts until the parent closes the pipe."""
    # A Ctrl-C or the SIGTERM of a supervisor goes to the whole group: the
    # parent drains and closes the pipe when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    definitions: dict[tuple[str, str], ActivityDefinition] = {}
    try:
        connection.send(("ready", None))
        while True:
            module, name, task = cast("ToChild", connection.recv())
            result = _run(connection, flag, converter, definitions, module, name, task)
            connection.send(("result", result.SerializeToString()))
    except (EOFError, OSError):
        return


def _run(
    connection: Connection,
    flag: Any,
    converter: PayloadConverter,
    definitions: dict[tuple[str, str], ActivityDefinition],
    module: str,
    name: str,
    data: bytes,
) -> ActivityResult:
    try:
        definition = definitions.get((module, name))
        if definition is None:
            definition = definition_of(getattr(importlib.import_module(module), name))
            definitions[module, name] = definition
    except Exception as error:  # noqa: BLE001 - importing is user code
        message = f"cannot import {module}.{name} in the process: {error}"
        failure = plain_failure(FailureKind.APPLICATION, type(error).__name__, message)
        return ActivityResult(failure=failure)
    task = ActivityTask.FromString(data)

    def send_heartbeat(details: Payload | None) -> None:
        connection.send(("heartbeat", None if details is None else details.SerializeToString()))

    context = _ChildContext(flag, task, converter, send_heartbeat)
    return call_sync(definition, task, context, converter)
