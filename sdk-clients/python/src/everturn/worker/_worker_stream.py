"""Carries a worker's session over ``Work`` streams, one after the other.

In threads of its own: pings, heartbeats and results go out and tasks come in
whatever the code of the activities does, even when it blocks its event loop.
One thread reads; gRPC's own thread asks for what to send, and watches the time
meanwhile. It sends whatever waits as one message, so that batches form by
themselves when there is much to say and nothing waits when there is little.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import grpc

from everturn.rpc._status import error_of
from everturn.v1.worker_service_pb2 import WorkRequest, WorkResponse
from everturn.values._errors import InvalidArgumentError, RpcError
from everturn.worker._healing import is_lasting
from everturn.worker._session import Phase, Session
from everturn.worker._session_values import Received

if TYPE_CHECKING:
    from everturn.worker._attempts import Attempts

_LOGGER = logging.getLogger("everturn.worker")

_RECONNECT_FIRST_S = 0.05
_RECONNECT_MAX_S = 5.0
_RESEND_S = 0.2
_TICK_MAX_S = 1.0
_TICK_MIN_S = 0.01
_TICK_GREETING_S = 0.1
_HALF_CLOSE_S = 2.0

Call = Any  # grpc.StreamStreamCall[WorkRequest, WorkResponse]; not generic at run time


class WorkerStream:
    """Keeps a worker connected until its session is done.

    Args:
        open_call: Opens a ``Work`` call that sends what an iterator gives.
        session: The state; used under ``lock`` only.
        lock: Guards the session and the attempts.
        connect_timeout_s: How long errors that do not heal by themselves are
            put up with.

    Attributes:
        attempts: Runs the tasks that arrive; set before ``run``.
    """

    def __init__(
        self,
        open_call: Callable[[Iterator[WorkRequest]], Call],
        session: Session,
        lock: threading.RLock,
        connect_timeout_s: float,
    ) -> None:
        self._open_call = open_call
        self._session = session
        self._lock = lock
        self._connect_timeout_s = connect_timeout_s
        self._wake = threading.Event()
        self._call: Call | None = None
        self._is_aborted = False
        self._is_half_closed = False
        self.attempts: Attempts

    def wake(self) -> None:
        """Says that the session may have something to send; from any thread.

        What there is was added under the lock before, so a wake-up that is
        still pending is enough.
        """
        if not self._wake.is_set():
            self._wake.set()

    def abort(self) -> None:
        """Ends now, whatever is under way; from any thread."""
        with self._lock:
            self._is_aborted = True
            call = self._call
        self._wake.set()
        if call is not None:
            call.cancel()

    def run(self) -> None:
        """Connects, again and again, until the session is done.

        Raises:
            InvalidArgumentError: The server refuses what the worker says about
                itself; trying again would not help.
            RpcError: An error that does not heal by itself has lasted for
                ``connect_timeout_s``.
        """
        session = self._session
        delay_s = _RECONNECT_FIRST_S
        lasting_since_s: float | None = None
        while not (session.is_done or self._is_aborted):
            error = self._stream()
            with self._lock:
                was_open = session.phase is Phase.OPEN
                session.disconnect()
            if isinstance(error, InvalidArgumentError) and error.reason != "PROTOCOL_VIOLATION":
                raise error
            if session.is_done or self._is_aborted:
                return
            now_s = time.monotonic()
            if was_open:
                delay_s, lasting_since_s = _RECONNECT_FIRST_S, None
            if error is None or not is_lasting(error):
                lasting_since_s = None
            else:
                lasting_since_s = now_s if lasting_since_s is None else lasting_since_s
                if now_s - lasting_since_s >= self._connect_timeout_s:
                    raise error
            wait_s = delay_s * random.uniform(0.5, 1.0)  # noqa: S311
            reason = str(error) if error else "the server ended the stream"
            _LOGGER.warning(
                "connection lost: %s", reason, extra={"reason": reason, "retry_s": wait_s}
            )
            delay_s = min(delay_s * 2, _RECONNECT_MAX_S)
            self._pause(wait_s)

    def _pause(self, wait_s: float) -> None:
        """Waits, but not for a session that has become done meanwhile."""
        deadline_s = time.monotonic() + wait_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            if self._session.is_done or self._is_aborted:
                return
            self._wake.clear()
            self._wake.wait(left_s)

    def _stream(self) -> RpcError | None:
        """One stream from Hello to its end; returns why it ended."""
        self._is_half_closed = False
        ended = threading.Event()
        try:
            call = self._open_call(self._requests(ended))
            with self._lock:
                self._call = call
                is_aborted = self._is_aborted
            if is_aborted:
                call.cancel()
            for response in cast("Iterator[WorkResponse]", call):
                if not self._is_half_closed:
                    # What comes later was not acknowledged: another worker gets it.
                    self._take(response)
        except grpc.RpcError as error:
            found = error_of(error)
            is_ours = found.code is grpc.StatusCode.CANCELLED and not found.reason
            return None if is_ours else found
        finally:
            ended.set()
            self._wake.set()
            with self._lock:
                self._call = None
        return None

    def _take(self, response: WorkResponse) -> None:
        session, attempts = self._session, self.attempts
        with self._lock:
            greeting = session.phase is Phase.GREETING
            received = session.receive(response, time.monotonic())
            is_open = session.phase is Phase.OPEN
            for task in received.tasks:
                attempts.start(task)
            for notice in response.typing:
                attempts.show_typing(notice)
            for token, fenced in received.cancels:
                attempts.cancel(token, "fenced" if fenced else "requested")
        if received.resend_later or received.dropped:
            self._handle_rejections(received)
        if greeting and is_open:
            _LOGGER.info("connected", extra={"stream_id": session.stream_id})
        if response.draining:
            _LOGGER.info("server is draining", extra={"stream_id": session.stream_id})
        self._wake.set()

    def _requests(self, ended: threading.Event) -> Iterator[WorkRequest]:
        """What there is to send, as it comes up, until the stream has ended."""
        session, wake = self._session, self._wake
        with self._lock:
            hello = session.connect(time.monotonic())
        yield hello
        while not ended.is_set():
            wake.wait(self._tick_s())
            wake.clear()
            is_over = False
            while not ended.is_set():
                now_s = time.monotonic()
                with self._lock:
                    self.attempts.send_due_heartbeats(now_s)
                    is_heard = session.tick(now_s)
                    request = session.take(now_s)
                    is_over = session.is_done and session.phase is Phase.OPEN
                if not is_heard:
                    _LOGGER.warning("server is silent", extra={"stream_id": session.stream_id})
                    self._give_up()
                    return
                if request is None:
                    break
                yield request
            if is_over:
                self._is_half_closed = True
                timer = threading.Timer(_HALF_CLOSE_S, self._give_up)
                timer.daemon = True
                timer.start()
                return

    def _tick_s(self) -> float:
        session = self._session
        if session.phase is not Phase.OPEN:
            return _TICK_GREETING_S
        tick_s = min(_TICK_MAX_S, session.ping_interval_s / 4)
        due_s = self.attempts.next_heartbeat_s
        if due_s is not None:
            tick_s = min(tick_s, due_s - time.monotonic())
        return max(_TICK_MIN_S, tick_s)

    def _handle_rejections(self, received: Received) -> None:
        for rejection in received.dropped:
            fields = {"reason": rejection.reason, "detail": rejection.message}
            level = logging.DEBUG if rejection.reason == "FENCED" else logging.WARNING
            _LOGGER.log(
                level, "result not taken: %s %s", rejection.reason, rejection.message, extra=fields
            )
        if received.resend_later:
            delay_s = _RESEND_S * random.uniform(0.5, 1.5)  # noqa: S311
            timer = threading.Timer(delay_s, self._resend, (received.resend_later,))
            timer.daemon = True
            timer.start()

    def _resend(self, result_ids: list[int]) -> None:
        with self._lock:
            self._session.resend(result_ids)
        self._wake.set()

    def _give_up(self) -> None:
        with self._lock:
            call = self._call
        if call is not None:
            call.cancel()
