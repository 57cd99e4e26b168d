"""The worker of activities and deliveries: options, lifecycle."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc

from everturn.rpc._channel import (
    DEFAULT_TASK_QUEUE,
    ChannelOption,
    address_or_default,
    call_metadata,
    namespace_or_default,
    sync_channel,
)
from everturn.v1.worker_service_pb2 import WorkRequest, WorkResponse
from everturn.values._payload import JsonPayloadConverter, PayloadConverter
from everturn.values._rules import ID_BYTES
from everturn.values._times import Seconds, seconds_of
from everturn.worker._activity import ActivityDefinition, definition_of
from everturn.worker._attempts import Attempts
from everturn.worker._delivery import QUEUE_PREFIX, adapter_of
from everturn.worker._process_pool import ProcessPool
from everturn.worker._run_workers import run_workers
from everturn.worker._session import ATTEMPTS_MAX, Session
from everturn.worker._session_values import DeliveryQueue, SessionOptions
from everturn.worker._thread_pool import ThreadPool
from everturn.worker._watchdog import Watchdog
from everturn.worker._worker_stream import WorkerStream

_QUEUES_MAX = 256
_STOPPING_S = 2.0
_WORK = "/everturn.v1.WorkerService/Work"


class Worker:
    """Takes activity tasks and deliveries from task queues and runs them.

    A worker runs once. ``stop`` (or SIGTERM and SIGINT with ``run_sync``) makes
    it drain: it takes no new tasks, finishes and reports what it has, and
    ends. What is not finished after ``drain_timeout`` is canceled and reported
    as lost, so that another worker gets it at once.

    Args:
        activities: Functions and bound methods decorated with ``@activity``.
        deliveries: Adapters decorated with ``@delivery``, each with a queue of
            its own that the channel names.
        address: ``host:port``. Default: ``EVERTURN_ADDRESS`` or 127.0.0.1:7400.
        namespace: Default: ``EVERTURN_NAMESPACE`` or "default".
        task_queue: Queue to take activities from. Default: "default", if there
            are activities and no queues are given.
        task_queues: More queues to take activities from; at most 256 in all,
            with those of the deliveries.
        max_concurrent: Most attempts at a time; 1 to 10,000. Functions that are
            not async have up to as many threads.
        max_processes: Processes for activities with ``executor="process"``.
            Default: the number of CPUs.
        identity: Who the worker is, for people. Default: ``pid@host``.
        build_id: Build of the code, for people.
        drain_timeout: How long running attempts may take after ``stop``. A
            number means seconds.
        converter: Writes and reads payloads. Default: JSON.
        credentials: TLS (and call) credentials. Default: plaintext.
        metadata: Sent with every stream, such as an authorization.
        channel_options: gRPC channel options that replace the defaults.
        blocked_timeout: After how long an event loop that does not turn, or an
            activity that gets no process, is told with its stack.
        connect_timeout: How long errors that do not heal by themselves (another
            kind of server, credentials that are refused) are put up with before
            ``run`` raises them.

    Raises:
        TypeError: An activity or adapter is not one.
        ValueError: An option is out of its bounds, two activities share a name
            or two adapters a channel, or there is neither.
    """

    def __init__(
        self,
        *,
        activities: Sequence[Callable[..., Any]] = (),
        deliveries: Sequence[Callable[..., Any]] = (),
        address: str | None = None,
        namespace: str | None = None,
        task_queue: str | None = None,
        task_queues: Sequence[str] = (),
        max_concurrent: int = 100,
        max_processes: int | None = None,
        identity: str | None = None,
        build_id: str = "",
        drain_timeout: Seconds = 30.0,
        converter: PayloadConverter | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Mapping[str, str] | None = None,
        channel_options: Sequence[ChannelOption] = (),
        blocked_timeout: Seconds = 3.0,
        connect_timeout: Seconds = 30.0,
    ) -> None:
        adapters = _adapters(deliveries)
        self._definitions = _definitions(activities, adapters)
        self._adapters = {definition.name: definition for definition, _ in adapters}
        queues = _queues(task_queue, task_queues, has_activities=bool(activities))
        self._address = address_or_default(address)
        self._max_concurrent = _bounded("max_concurrent", max_concurrent, ATTEMPTS_MAX)
        processes = max_processes if max_processes is not None else os.cpu_count() or 1
        self._max_processes = _bounded("max_processes", processes, 1024)
        self._drain_timeout_s = seconds_of(drain_timeout)
        if self._drain_timeout_s < 0:
            raise ValueError("drain_timeout must not be negative")
        self._blocked_timeout_s = seconds_of(blocked_timeout)
        if self._blocked_timeout_s <= 0:
            raise ValueError("blocked_timeout must be positive")
        self._connect_timeout_s = seconds_of(connect_timeout)
        self._converter = converter or JsonPayloadConverter()
        self._credentials = credentials
        self._metadata = call_metadata(metadata)
        self._channel_options = channel_options
        default_identity = f"{os.getpid()}@{socket.gethostname()}"[:ID_BYTES]
        self._options = SessionOptions(
            namespace=namespace_or_default(namespace),
            task_queues=queues,
            identity=_sized("identity", identity or default_identity),
            build_id=_sized("build_id", build_id, bytes_min=0),
            slots=self._max_concurrent,
            delivery_queues=tuple(
                DeliveryQueue(adapter.name, can_reconcile, adapter.show_typing is not None)
                for adapter, can_reconcile in adapters
            ),
            activity_types=tuple(sorted(self._definitions)),
        )
        if len(queues) + len(adapters) > _QUEUES_MAX:
            raise ValueError(f"a worker serves at most {_QUEUES_MAX} task queues")
        self._stop_calls = 0
        self._stop_event: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """Who the worker is, for people."""
        return self._options.identity

    def stop(self) -> None:
        """Makes the worker drain and end; called again, without waiting for attempts.

        From any thread; returns at once, ``run`` returns when it is done.
        """
        with self._lock:
            self._stop_calls += 1
            loop, event = self._loop, self._stop_event
        if loop is not None and event is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)

    async def run(self) -> None:
        """Runs until ``stop`` was called and everything is finished and reported.

        Canceling it ends the worker at once: attempts are canceled, their
        results are not reported.

        Raises:
            InvalidArgumentError: The server refuses an option of the worker.
            RpcError: An error that does not heal by itself has lasted for
                ``connect_timeout``.
            RuntimeError: The worker was run before.
        """
        stop_event = self._begin()
        session, lock = Session(self._options), threading.RLock()
        channel = sync_channel(self._address, self._credentials, self._channel_options)
        work: Any = channel.stream_stream(
            _WORK,
            request_serializer=WorkRequest.SerializeToString,
            response_deserializer=WorkResponse.FromString,
        )
        stream = WorkerStream(
            lambda requests: work(requests, metadata=self._metadata),
            session,
            lock,
            self._connect_timeout_s,
        )
        threads = ThreadPool(self._max_concurrent)
        processes = self._process_pool()
        stream.attempts = attempts = Attempts(
            self._definitions,
            self._adapters,
            self._converter,
            session,
            lock,
            stream.wake,
            threads,
            processes,
        )
        watchdog = Watchdog(attempts, processes, self._blocked_timeout_s)
        connection = _in_thread(stream.run)
        try:
            await _first_of(connection, stop_event, None)
            with lock:
                session.start_draining()
            stream.wake()
            await self._drain(connection, stop_event)
            if not connection.done():
                attempts.cancel_all("stopping")
                await asyncio.wait([connection], timeout=_STOPPING_S)
            if connection.done():
                connection.result()
        finally:
            watchdog.stop()
            stream.abort()
            attempts.cancel_all("stopping")
            threads.close()
            await asyncio.gather(connection, return_exceptions=True)
            channel.close()
            if processes is not None:
                await asyncio.to_thread(processes.close)

    def run_sync(self) -> None:
        """Runs the worker in an event loop of its own.

        SIGTERM and SIGINT make it drain, a second one ends it without waiting
        for attempts. Signals are only handled in the main thread.

        Raises:
            InvalidArgumentError: The server refuses an option of the worker.
        """
        run_workers(self)

    def _begin(self) -> asyncio.Event:
        with self._lock:
            if self._loop is not None:
                raise RuntimeError("a worker runs once; make another one")
            self._loop = asyncio.get_running_loop()
            self._stop_event = asyncio.Event()
            if self._stop_calls:
                self._stop_event.set()
            return self._stop_event

    async def _drain(self, connection: asyncio.Future[None], stop: asyncio.Event) -> None:
        """Waits for the end of the stream, a second stop, or the drain timeout."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._drain_timeout_s
        while not connection.done() and self._stop_calls < 2:
            left_s = deadline_s - loop.time()
            if left_s <= 0:
                return
            stop.clear()
            if self._stop_calls >= 2:
                return
            await _first_of(connection, stop, left_s)

    def _process_pool(self) -> ProcessPool | None:
        if all(d.executor != "process" for d in self._definitions.values()):
            return None
        return ProcessPool(self._max_processes, self._converter)


def _in_thread(run: Callable[[], None]) -> asyncio.Future[None]:
    """Runs something in a thread of its own; how it ended, for the event loop."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def body() -> None:
        error: BaseException | None = None
        try:
            run()
        except BaseException as raised:  # noqa: BLE001 - it belongs to whoever waits
            error = raised
        # A loop that is closed has no one left to tell.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=body, name="everturn-worker-stream", daemon=True).start()
    return ended


async def _first_of(
    connection: asyncio.Future[None], stop: asyncio.Event, timeout_s: float | None
) -> None:
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait(
            [connection, stopped], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        stopped.cancel()


def _adapters(
    deliveries: Sequence[Callable[..., Any]],
) -> list[tuple[ActivityDefinition, bool]]:
    adapters = [adapter_of(function) for function in deliveries]
    names = [definition.name for definition, _ in adapters]
    for name in names:
        if names.count(name) > 1:
            channel = name.removeprefix(QUEUE_PREFIX)
            raise ValueError(f"two adapters deliver the channel {channel!r}")
    return adapters


def _definitions(
    activities: Sequence[Callable[..., Any]], adapters: Sequence[tuple[ActivityDefinition, bool]]
) -> dict[str, ActivityDefinition]:
    definitions: dict[str, ActivityDefinition] = {}
    for function in activities:
        definition = definition_of(function)
        if definition.name in definitions:
            raise ValueError(f"two activities are named {definition.name!r}")
        definitions[definition.name] = definition
    if not definitions and not adapters:
        raise ValueError("a worker needs at least one activity or delivery adapter")
    return definitions


def _queues(first: str | None, more: Sequence[str], *, has_activities: bool) -> tuple[str, ...]:
    if isinstance(more, str):
        raise TypeError("task_queues must be a list of names")
    names = ([] if first is None else [first]) + list(more)
    if names and not has_activities:
        raise ValueError("task queues are for activities; adapters have queues of their own")
    unique = tuple(dict.fromkeys(names))
    if has_activities and not unique:
        unique = (DEFAULT_TASK_QUEUE,)
    for name in unique:
        _sized("task queue", name)
    return unique


def _sized(what: str, text: str, *, bytes_min: int = 1) -> str:
    if not bytes_min <= len(text.encode()) <= ID_BYTES:
        raise ValueError(f"{what} must have {bytes_min} to {ID_BYTES} bytes: {text!r}")
    return text


def _bounded(what: str, value: int, maximum: int) -> int:
    if not 1 <= value <= maximum:
        raise ValueError(f"{what} must be from 1 to {maximum}: {value}")
    return value
