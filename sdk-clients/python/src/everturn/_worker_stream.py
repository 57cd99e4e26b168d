"""Carries a worker's session over ``Work`` streams, one after the other.

One task reads, one writes (grpc.aio refuses concurrent writes), one watches
the time. The writer sends whatever waits as one message, so that batches form
by themselves when there is much to say and nothing waits when there is little.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from everturn._errors import InvalidArgumentError, RpcError
from everturn._session import Phase, Session
from everturn._session_values import Received
from everturn._status import error_of
from everturn.v1.worker_service_pb2 import WorkResponse

if TYPE_CHECKING:
    from everturn._attempts import Attempts

_LOGGER = logging.getLogger("everturn.worker")

_RECONNECT_FIRST_S = 0.05
_RECONNECT_MAX_S = 5.0
_RESEND_S = 0.2
_TICK_MAX_S = 1.0
_TICK_GREETING_S = 0.1
_HALF_CLOSE_S = 2.0

Call = Any  # grpc.aio.StreamStreamCall[WorkRequest, WorkResponse]; not generic at run time


class WorkerStream:
    """Keeps a worker connected until its session is done.

    Args:
        open_call: Opens a ``Work`` call.
        session: The state.

    Attributes:
        attempts: Runs the tasks that arrive; set before ``run``.
    """

    def __init__(self, open_call: Callable[[], Call], session: Session) -> None:
        self._open_call = open_call
        self._session = session
        self._wake = asyncio.Event()
        self._gave_up = False
        self._is_half_closed = False
        self.attempts: Attempts

    def wake(self) -> None:
        """Says that the session may have something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Connects, again and again, until the session is done.

        Raises:
            InvalidArgumentError: The server refuses what the worker says about
                itself; trying again would not help.
        """
        delay_s = _RECONNECT_FIRST_S
        while not self._session.is_done:
            error = await self._stream()
            if self._session.phase is Phase.OPEN:
                delay_s = _RECONNECT_FIRST_S
            self._session.disconnect()
            if isinstance(error, InvalidArgumentError) and error.reason != "PROTOCOL_VIOLATION":
                raise error
            if self._session.is_done:
                return
            wait_s = delay_s * random.uniform(0.5, 1.0)  # noqa: S311
            reason = str(error) if error else "the server ended the stream"
            _LOGGER.warning("connection lost", extra={"reason": reason, "retry_s": wait_s})
            delay_s = min(delay_s * 2, _RECONNECT_MAX_S)
            await self._pause(wait_s)

    async def _pause(self, wait_s: float) -> None:
        """Waits, but not for a session that has become done meanwhile."""
        deadline_s = time.monotonic() + wait_s
        while (left_s := deadline_s - time.monotonic()) > 0 and not self._session.is_done:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._wake.wait()

    async def _stream(self) -> RpcError | None:
        """One stream from Hello to its end; returns why it ended."""
        self._gave_up = self._is_half_closed = False
        call = self._open_call()
        helpers: list[asyncio.Task[None]] = []
        try:
            await call.write(self._session.connect(time.monotonic()))
            for helper in (self._write(call), self._watch_time(call)):
                task = asyncio.create_task(helper)
                task.add_done_callback(lambda done: self._helper_ended(call, done))
                helpers.append(task)
            await self._read(call)
        except grpc.RpcError as error:
            return error_of(error)
        except asyncio.InvalidStateError:
            # A write met a call that had already ended.
            return await _error_of_ended(call)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._gave_up or (task is not None and task.cancelling()):
                raise
            return None
        finally:
            for task in helpers:
                task.cancel()
            call.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
        return None

    async def _read(self, call: Call) -> None:
        session, attempts = self._session, self.attempts
        while True:
            response: WorkResponse = await call.read()
            if response is grpc.aio.EOF:
                return
            if self._is_half_closed:
                # What comes now was not acknowledged: another worker gets it.
                continue
            greeting = session.phase is Phase.GREETING
            received = session.receive(response, time.monotonic())
            for task in received.tasks:
                attempts.start(task)
            for token, fenced in received.cancels:
                attempts.cancel(token, "fenced" if fenced else "requested")
            if received.resend_later or received.dropped:
                self._handle_rejections(received)
            if greeting and session.phase is Phase.OPEN:
                _LOGGER.info("connected", extra={"stream_id": session.stream_id})
            if response.draining:
                _LOGGER.info("server is draining", extra={"stream_id": session.stream_id})
            self._wake.set()

    async def _write(self, call: Call) -> None:
        session, wake = self._session, self._wake
        wake.set()
        while True:
            await wake.wait()
            wake.clear()
            # One turn of the loop: results of trivial activities go out together
            # with the acknowledgment of their tasks. Output does not wait.
            if not session.has_outputs:
                await asyncio.sleep(0)
            while (request := session.take(time.monotonic())) is not None:
                await call.write(request)
            if session.is_done and session.phase is Phase.OPEN:
                self._is_half_closed = True
                await call.done_writing()
                await asyncio.sleep(_HALF_CLOSE_S)
                self._give_up(call)
                return

    async def _watch_time(self, call: Call) -> None:
        session = self._session
        while True:
            is_open = session.phase is Phase.OPEN
            tick_s = min(_TICK_MAX_S, session.ping_interval_s / 4) if is_open else _TICK_GREETING_S
            await asyncio.sleep(max(0.01, tick_s))
            if not session.tick(time.monotonic()):
                _LOGGER.warning("server is silent", extra={"stream_id": session.stream_id})
                self._give_up(call)
                return
            self._wake.set()

    def _handle_rejections(self, received: Received) -> None:
        for rejection in received.dropped:
            fields = {"reason": rejection.reason, "detail": rejection.message}
            level = logging.DEBUG if rejection.reason == "FENCED" else logging.WARNING
            _LOGGER.log(level, "result not taken", extra=fields)
        if received.resend_later:
            loop = asyncio.get_running_loop()
            delay_s = _RESEND_S * random.uniform(0.5, 1.5)  # noqa: S311
            loop.call_later(delay_s, self._resend, received.resend_later)

    def _resend(self, result_ids: list[int]) -> None:
        self._session.resend(result_ids)
        self._wake.set()

    def _give_up(self, call: Call) -> None:
        self._gave_up = True
        call.cancel()

    def _helper_ended(self, call: Call, task: asyncio.Task[None]) -> None:
        """A stream without writer or clock is of no use: end it."""
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        if not isinstance(error, grpc.RpcError | asyncio.InvalidStateError):
            _LOGGER.error("stream failed", exc_info=error)
            self._give_up(call)


async def _error_of_ended(call: Call) -> RpcError | None:
    code = await call.code()
    if code is grpc.StatusCode.OK:
        return None
    trailer, details = await call.trailing_metadata(), await call.details()
    return error_of(grpc.aio.AioRpcError(code, await call.initial_metadata(), trailer, details))
