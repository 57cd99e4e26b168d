"""What runs inside a process for activities: one attempt after the other.

Messages of the pipe, each ``(kind, bytes)``; parent to child: ``job`` (the
activity's module and name, the task); child to parent: ``heartbeat``, ``output``,
``usage``, ``blocked`` (its stack) and ``result``. Cancellation, and the wish for a stack, are
bytes of shared memory, because a process that computes does not read its pipe.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import threading
import time
from multiprocessing.connection import Connection
from typing import Any, Literal, cast

from everturn.v1.payload_pb2 import Payload
from everturn.v1.worker_service_pb2 import ActivityResult, ActivityTask
from everturn.values._failure import plain_failure
from everturn.values._failure_info import FailureKind
from everturn.values._payload import PayloadConverter
from everturn.values._times import Seconds, seconds_of
from everturn.values._usage import Usage, usage_to_proto
from everturn.worker._activity import ActivityDefinition, definition_of
from everturn.worker._activity_context import ActivityContext, CancelReason
from everturn.worker._outcome import call_sync
from everturn.worker._stacks import frame_of, stack_of

CANCEL_REASONS: tuple[CancelReason | None, ...] = (None, "requested", "fenced", "stopping")
"""Meaning of the shared byte."""

_LOOK_S = 0.05
_STACK_LOOK_S = 0.25

ToChild = tuple[str, str, bytes]
"""Module, qualified name, serialized task."""

FromChild = tuple[
    Literal["ready", "heartbeat", "output", "usage", "blocked", "result"], bytes | None
]
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


class _Pipe:
    """Where what the function of one attempt says goes: to the parent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # A function may say something from threads of its own, which may
        # outlive it: what they say then would count for the next attempt.
        self._lock = threading.Lock()
        self._is_over = False

    def send_heartbeat(self, details: Payload | None) -> None:
        """Sends a sign of life."""
        self.send("heartbeat", None if details is None else details.SerializeToString())

    def send_output(self, data: bytes) -> None:
        """Sends a piece of output; waits while the parent has too much."""
        self.send("output", data)

    def send_usage(self, total: Usage) -> None:
        """Sends what the attempt has used so far."""
        self.send("usage", usage_to_proto(total).SerializeToString())

    def send_result(self, result: ActivityResult) -> None:
        """Sends how the attempt ended; nothing is sent after it."""
        with self._lock:
            self._is_over = True
            self._connection.send(("result", result.SerializeToString()))

    def send(self, kind: str, data: bytes | None) -> None:
        """Sends a message, unless the attempt is over."""
        with self._lock:
            if not self._is_over:
                self._connection.send((kind, data))


def _show_stacks(look: Any, current: list[_Pipe]) -> None:
    """Sends where the main thread stands whenever the parent wants to know."""
    main_id = threading.main_thread().ident or 0
    while True:
        time.sleep(_STACK_LOOK_S)
        if look.value == 0:
            continue
        look.value = 0
        stack = stack_of(frame_of(main_id))
        for pipe in current:
            # The parent may be gone.
            with contextlib.suppress(OSError):
                pipe.send("blocked", stack.encode())


def child_main(connection: Connection, flag: Any, look: Any, converter: PayloadConverter) -> None:
    """Runs attempts until the parent closes the pipe."""
    # A Ctrl-C or the SIGTERM of a supervisor goes to the whole group: the
    # parent drains and closes the pipe when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    definitions: dict[tuple[str, str], ActivityDefinition] = {}
    current: list[_Pipe] = []
    threading.Thread(target=_show_stacks, args=(look, current), daemon=True).start()
    try:
        connection.send(("ready", None))
        while True:
            module, name, task = cast("ToChild", connection.recv())
            pipe = _Pipe(connection)
            current[:] = [pipe]
            pipe.send_result(_run(pipe, flag, converter, definitions, module, name, task))
    except (EOFError, OSError):
        return


def _run(
    pipe: _Pipe,
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
    context = _ChildContext(flag, task, converter, pipe)
    return call_sync(definition, task, context, converter)
