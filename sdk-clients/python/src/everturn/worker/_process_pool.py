"""Processes for activities that need a whole CPU.

Each process is spawned (never forked: gRPC does not survive a fork), runs one
attempt at a time and is watched by a thread here. A process that dies fails
the one attempt it had and is replaced.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol, cast

from everturn.v1.message_pb2 import Usage as UsageProto
from everturn.v1.payload_pb2 import Payload
from everturn.v1.worker_service_pb2 import ActivityResult, ActivityTask
from everturn.values._failure import plain_failure
from everturn.values._failure_info import FailureKind
from everturn.values._payload import PayloadConverter
from everturn.values._usage import usage_from_proto
from everturn.worker._activity import ActivityDefinition
from everturn.worker._activity_context import CancelReason, ContextSink
from everturn.worker._process_child import CANCEL_REASONS, FromChild, child_main

_LOGGER = logging.getLogger("everturn.worker")

_EXIT_S = 1.0


class JobSink(ContextSink, Protocol):
    """Where what a job says goes, and what is seen of it."""

    def send_blocked(self, stack: str, /) -> None:
        """Takes where the code stands that does not get on."""
        ...


@dataclass(slots=True, eq=False)
class ProcessJob:
    """One attempt for a process.

    Attributes:
        definition: The activity.
        task: The attempt.
        sink: Takes what the function says; called in a thread of the pool.
        on_result: Called in a thread of the pool, once.
        cancel_reason: Set by ``ProcessPool.cancel``.
    """

    definition: ActivityDefinition
    task: ActivityTask
    sink: JobSink
    on_result: Callable[[ActivityResult], None]
    cancel_reason: CancelReason | None = None
    flag: Any = None
    queued_s: float = field(default_factory=time.monotonic)
    is_reported: bool = False


class _ProcessDiedError(Exception):
    """The process of an attempt is gone."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class _Child:
    """One process and its end of the pipe."""

    def __init__(self, converter: PayloadConverter) -> None:
        context = multiprocessing.get_context("spawn")
        self.flag: Any = context.RawValue("b", 0)
        self.look: Any = context.RawValue("b", 0)
        self.job: ProcessJob | None = None
        ours, theirs = context.Pipe()
        self.connection = cast("Connection", ours)
        self.process = context.Process(
            target=child_main,
            args=(theirs, self.flag, self.look, converter),
            name="everturn-activity",
        )
        self.process.start()
        theirs.close()

    def close(self) -> None:
        """Ends the process: an idle one ends by itself, a busy one is killed."""
        with contextlib.suppress(OSError):
            self.connection.close()
        self.process.join(_EXIT_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class ProcessPool:
    """Runs jobs in processes that are spawned at the first job and kept.

    Args:
        processes_max: Number of processes, at least 1. Further jobs wait in a
            queue, which the caller bounds.
        converter: Sent to each process; must be picklable.
    """

    def __init__(self, processes_max: int, converter: PayloadConverter) -> None:
        self._processes_max = processes_max
        self._converter = converter
        self._jobs: queue.SimpleQueue[ProcessJob | None] = queue.SimpleQueue()
        self._waiting: dict[ProcessJob, None] = {}
        self._threads: list[threading.Thread] = []
        self._children: set[_Child] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def submit(self, job: ProcessJob) -> None:
        """Queues a job."""
        with self._lock:
            self._waiting[job] = None
        if len(self._threads) < self._processes_max:
            name = f"everturn-process-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._watch, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(job)

    def cancel(self, job: ProcessJob, reason: CancelReason) -> None:
        """Tells a job to stop; its function sees it in its context."""
        with self._lock:
            job.cancel_reason = reason
            if job.flag is not None:
                job.flag.value = CANCEL_REASONS.index(reason)

    def look(self, now_s: float, timeout_s: float) -> None:
        """Tells of jobs that have waited long for a process, and what the processes do."""
        with self._lock:
            late = [j for j in self._waiting if now_s - j.queued_s >= timeout_s]
            late = [job for job in late if not job.is_reported]
            busy = [child for child in self._children if child.job is not None]
        if not late:
            return
        names = sorted({child.job.definition.name for child in busy if child.job is not None})
        text = f"waits for a process: {len(busy)} of {self._processes_max} run {', '.join(names)}"
        _LOGGER.error(
            "no process was free for %.1f s: %d activities %s", timeout_s, len(late), text
        )
        for job in late:
            job.is_reported = True
            job.sink.send_blocked(text)
        for child in busy:
            child.look.value = 1

    def close(self) -> None:
        """Ends all processes; a busy one is killed after a second."""
        with self._lock:
            self._is_closed = True
            children = list(self._children)
        for _ in self._threads:
            self._jobs.put(None)
        for child in children:
            child.close()
        for thread in self._threads:
            thread.join(_EXIT_S)

    def _watch(self) -> None:
        child: _Child | None = None
        while (job := self._jobs.get()) is not None:
            with self._lock:
                self._waiting.pop(job, None)
            if job.cancel_reason is not None:
                job.on_result(_not_started())
                continue
            try:
                if child is None:
                    child = self._spawn()
                result = self._run(child, job)
            except _ProcessDiedError as died:
                child = None
                result = _process_died(died.exit_code)
            except Exception as error:  # noqa: BLE001 - e.g. a converter that cannot be pickled
                result = _not_spawned(error)
            job.on_result(result)
        if child is not None:
            self._discard(child)

    def _spawn(self) -> _Child:
        child = _Child(self._converter)
        with self._lock:
            self._children.add(child)
            is_closed = self._is_closed
        if is_closed:
            raise self._death_of(child)
        self._receive(child)  # "ready": its imports worked
        return child

    def _receive(self, child: _Child) -> FromChild:
        try:
            return cast("FromChild", child.connection.recv())
        except (EOFError, OSError) as error:
            raise self._death_of(child) from error

    def _death_of(self, child: _Child) -> _ProcessDiedError:
        self._discard(child)
        return _ProcessDiedError(child.process.exitcode)

    def _discard(self, child: _Child) -> None:
        with self._lock:
            self._children.discard(child)
        child.close()

    def _run(self, child: _Child, job: ProcessJob) -> ActivityResult:
        function = job.definition.function
        with self._lock:
            child.flag.value = CANCEL_REASONS.index(job.cancel_reason)
            job.flag = child.flag
            child.job = job
        try:
            message = (function.__module__, function.__name__, job.task.SerializeToString())
            try:
                child.connection.send(message)
            except OSError as error:
                raise self._death_of(child) from error
            while True:
                kind, data = self._receive(child)
                match kind, data:
                    case "result", bytes():
                        return ActivityResult.FromString(data)
                    case "blocked", bytes():
                        stack = data.decode()
                        _LOGGER.error("activity %r runs at:\n%s", job.definition.name, stack)
                        job.sink.send_blocked(stack)
                    case "output", bytes():
                        job.sink.send_output(data)
                    case "usage", bytes():
                        job.sink.send_usage(usage_from_proto(UsageProto.FromString(data)))
                    case _:
                        details = None if data is None else Payload.FromString(data)
                        job.sink.send_heartbeat(details)
        finally:
            with self._lock:
                job.flag = None
                child.job = None


def _not_started() -> ActivityResult:
    message = "canceled before a process was free"
    return ActivityResult(failure=plain_failure(FailureKind.CANCELED, "Canceled", message))


def _process_died(exit_code: int | None) -> ActivityResult:
    message = f"the process of the activity died (exit code {exit_code})"
    return ActivityResult(
        failure=plain_failure(FailureKind.WORKER_LOST, "WorkerProcessDied", message)
    )


def _not_spawned(error: Exception) -> ActivityResult:
    message = f"no process could be started: {error}"
    return ActivityResult(
        failure=plain_failure(FailureKind.APPLICATION, type(error).__name__, message)
    )
